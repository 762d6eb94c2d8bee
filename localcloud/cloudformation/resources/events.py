"""EventBridge: rules of the default event bus."""

import json
from collections.abc import Mapping
from typing import Any

from localcloud import schedule
from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, passing_over, refuse_others, undone_on_failure
from localcloud.cloudformation.tags import retag, tag_list

_LONGEST_NAME = 64
_ABSENT = "ResourceNotFoundException"
_RULE = ("Description", "ScheduleExpression", "State")


class Rule:
    """A rule with its targets, which must be SNS topics or SQS queues to receive events here."""

    name = "AWS::Events::Rule"
    properties = frozenset({"Name", *_RULE, "EventPattern", "Targets", "Tags"})
    replacing = frozenset({"Name"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("events")
        name = str(properties.get("Name") or context.physical_name(_LONGEST_NAME))
        _targets(properties)
        with undone_on_failure(lambda: self.delete(context, name, properties)):
            self._put(client, name, properties, tags=True)
            self._change_targets(client, name, {}, properties)
        return self._created(client, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("events")
        self._put(client, physical_id, after, tags=False)
        self._change_targets(client, physical_id, before, after)
        made = self._created(client, physical_id)
        retag(client, before, after, ResourceARN=made.attributes["Arn"])
        return made

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        client = context.client("events")
        with passing_over(_ABSENT):
            self._change_targets(client, physical_id, properties, {})
            client.delete_rule(Name=physical_id)

    def _put(self, client: Client, name: str, properties: Properties, *, tags: bool) -> None:
        if "ScheduleExpression" in properties:
            schedule.parse(str(properties["ScheduleExpression"]))
        pattern = properties.get("EventPattern")
        call(
            client,
            "PutRule",
            Name=name,
            **{part: properties.get(part) for part in _RULE},
            EventPattern=json.dumps(pattern) if pattern else None,
            Tags=(tag_list(properties) or None) if tags else None,
        )

    def _change_targets(self, client: Client, rule: str, before: Properties, after: Properties) -> None:
        old, new = _targets(before), _targets(after)
        gone = [each for each in old if each not in new]
        if gone:
            client.remove_targets(Rule=rule, Ids=gone)
        changed = [target for each, target in new.items() if old.get(each) != target]
        if changed:
            call(client, "PutTargets", Rule=rule, Targets=changed)

    def _created(self, client: Client, name: str) -> Created:
        arn = client.describe_rule(Name=name)["Arn"]
        return Created(name, {"Arn": arn, "RuleName": name})


def _targets(properties: Properties) -> dict[str, Mapping[str, Any]]:
    """Return targets by id; raise ValueError for a part that is not modelled."""
    for target in properties.get("Targets", []):
        refuse_others("Targets", target, ("Arn", "Id", "Input", "InputTransformer"))
    return {str(target["Id"]): target for target in properties.get("Targets", [])}
