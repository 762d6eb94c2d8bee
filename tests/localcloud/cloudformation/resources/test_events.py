"""EventBridge: rules from templates."""

import json
from typing import Any

import pytest

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.events import Rule
from tests.localcloud.cloudformation.resources.conftest import Client, tags

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"
PATTERN = {"source": ["aws.emr"], "detail": {"state": ["FAILED"]}}
RULE: dict[str, Any] = {
    "Description": "A failed step",
    "EventPattern": PATTERN,
    "Targets": [{"Arn": TOPIC, "Id": "Target0"}],
    "Tags": tags(project="orchard"),
}


def test_a_rule_is_created_changed_and_deleted(aws: Client, context: ResourceContext) -> None:
    events = aws("events")
    made = Rule().create(context, RULE)
    name = made.physical_id
    found = events.describe_rule(Name=name)
    assert (json.loads(found["EventPattern"]), found["State"]) == (PATTERN, "ENABLED")
    assert made.attributes["Arn"] == found["Arn"]
    assert events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"] == tags(project="orchard")

    after = {
        "ScheduleExpression": "rate(1 day)",
        "State": "DISABLED",
        "Targets": [{"Arn": TOPIC, "Id": "Target1", "Input": '"Still running"'}],
    }
    Rule().update(context, name, RULE, after)

    found = events.describe_rule(Name=name)
    assert (found["ScheduleExpression"], found["State"]) == ("rate(1 day)", "DISABLED")
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    assert targets == [{"Arn": TOPIC, "Id": "Target1", "Input": '"Still running"'}]
    assert events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"] == []
    Rule().delete(context, name, after)
    Rule().delete(context, name, after)
    assert events.list_rules()["Rules"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ScheduleExpression": "every day"},
        {"EventPattern": PATTERN, "Targets": [{"Arn": TOPIC, "Id": "a", "DeadLetterConfig": {}}]},
    ],
)
def test_a_refused_rule_is_deleted(aws: Client, context: ResourceContext, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"ScheduleExpression|Targets\.DeadLetterConfig"):
        Rule().create(context, wrong)
    assert aws("events").list_rules()["Rules"] == []
