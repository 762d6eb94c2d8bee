"""EventBridge: moto answers 501 for a rule whose target is an SNS topic, and sends events to disabled rules' targets.

An event reaches a topic only if the topic's policy allows ``events.amazonaws.com`` to publish, and the topic is not
encrypted with the AWS managed key, which services cannot use. EventBridge drops an event that it cannot deliver.
"""

import json
import logging
import re
from collections.abc import Mapping
from copy import copy
from typing import Any

from moto.events.models import Rule
from moto.sns.models import sns_backends

from localcloud.iam.policies import Action, Policies, allowed
from localcloud.moto_patches import Replace

_SERVICE = "events.amazonaws.com"
_PLACEHOLDER = re.compile(r"<([\w.-]+)>")

_log = logging.getLogger(__name__)


def apply(replace: Replace) -> None:
    """Publish to topics, and skip disabled rules."""
    send_to_others = Rule.send_to_targets

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:  # noqa: ANN401 - moto's own
        # To moto, a schedule without a pattern matches every event.
        scheduled = original_event["source"] == "aws.events"
        if self.state == "DISABLED" or scheduled != bool(self.scheduled_expression):
            return
        if not self.event_pattern.matches_event(original_event):
            return
        topics = [target for target in self.targets if ":sns:" in target["Arn"]]
        for target in topics:
            _publish(self, target, original_event)
        others = copy(self)
        others.targets = [target for target in self.targets if target not in topics]
        send_to_others(others, original_event, transform_input)

    replace(Rule, "send_to_targets", send_to_targets)


def message(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """Return the text that a target receives for an event: its constant, its filled-in template, or the event."""
    if "Input" in target:
        return str(target["Input"])
    transformer = target.get("InputTransformer")
    if transformer is None:
        return json.dumps(event)
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    template = str(transformer["InputTemplate"])
    # Inside a JSON string, EventBridge inserts text without quotes.
    quoted = template.lstrip().startswith('"')

    def value(found: "re.Match[str]") -> str:
        given = values.get(found[1], "")
        return given if quoted and isinstance(given, str) else json.dumps(given)

    return _PLACEHOLDER.sub(value, template)


def _publish(rule: Rule, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    arn = str(target["Arn"])
    region, account = arn.split(":")[3:5]
    topic = sns_backends[account][region].topics.get(arn)
    if topic is None:
        _log.warning("Rule %s has the unknown target %s", rule.name, arn)
        return
    policies = Policies(frozenset({_SERVICE}), (), resource=[json.loads(topic.policy)])
    context = {"aws:sourcearn": [rule.arn], "aws:sourceaccount": [rule.created_by], "aws:securetransport": ["true"]}
    if topic.kms_master_key_id == "alias/aws/sns" or not allowed(Action("sns:Publish", arn, context), policies):
        _log.warning("Rule %s may not publish to %s", rule.name, arn)
        return
    topic.publish(message(target, event))


def _at(event: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - a value of an event
    """Return the value at a path such as ``$.detail.state``, an empty text if there is none."""
    found: Any = event
    for name in path.removeprefix("$").strip(".").split("."):
        found = found.get(name, "") if isinstance(found, Mapping) else ""
    return found
