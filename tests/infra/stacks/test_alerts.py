"""With ``alert_email``, EventBridge and SNS report a failed step and an ended cluster, and remind once a day."""

import json
from typing import Any

import pytest

from tests.infra.iam import allowed
from tests.infra.synthesis import ACCOUNT, Environment, Synthesise

CLUSTER, BUDGET = "OrchardCluster", "OrchardBudget"
EMAIL = "owner@example.org"


def rule(environment: Environment, name: str) -> dict[str, Any]:
    return environment.named(CLUSTER, "AWS::Events::Rule", name)


@pytest.fixture
def made(environment: Synthesise) -> Environment:
    return environment(alert_email=EMAIL)


def test_the_topic_mails_the_address_that_was_set(made: Environment) -> None:
    found = made.only(BUDGET, "AWS::SNS::Subscription")
    (topic,) = made.resources(BUDGET, "AWS::SNS::Topic")
    assert found == {"Protocol": "email", "Endpoint": EMAIL, "TopicArn": topic}


@pytest.mark.parametrize(
    ("name", "detail_type", "states"),
    [
        ("FailedStep", "EMR Step Status Change", ["FAILED"]),
        ("EndedCluster", "EMR Cluster State Change", ["TERMINATED", "TERMINATED_WITH_ERRORS"]),
    ],
)
def test_reports_events_of_this_cluster_alone(
    made: Environment, name: str, detail_type: str, states: list[str]
) -> None:
    (cluster,) = made.resources(CLUSTER, "AWS::EMR::Cluster")
    assert rule(made, name)["EventPattern"] == {
        "source": ["aws.emr"],
        "detail-type": [detail_type],
        "detail": {"clusterId": [cluster], "state": states},
    }


def test_an_ended_cluster_is_mailed_with_what_still_costs(made: Environment) -> None:
    (target,) = rule(made, "EndedCluster")["Targets"]
    text = json.loads(target["InputTransformer"]["InputTemplate"])
    assert target["InputTransformer"]["InputPathsMap"] == {"cluster": "$.detail.clusterId", "state": "$.detail.state"}
    assert [part in text for part in ("<cluster>", "<state>", "9.03 USD", "orchard destroy --region eu-west-1")] == [
        True
    ] * 4


def test_reminds_once_a_day_while_the_stack_exists(made: Environment) -> None:
    found = rule(made, "Reminder")
    assert found["ScheduleExpression"] == "rate(1 day)"
    assert "9.03 USD" in json.loads(found["Targets"][0]["Input"])


def test_only_rules_of_the_cluster_may_publish(made: Environment) -> None:
    policy = made.only(BUDGET, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (topic,) = made.resources(BUDGET, "AWS::SNS::Topic")
    for rule_name, may in (("OrchardCluster-Reminder-1X", True), ("Other-1X", False)):
        source = {
            "aws:SourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{rule_name}",
            "aws:SecureTransport": "true",
        }
        assert allowed(policy, "sns:Publish", topic, source) is may


def test_without_an_address_there_are_no_alerts(environment: Synthesise) -> None:
    assert environment().resources(CLUSTER, "AWS::Events::Rule") == {}


def test_no_alert_needs_a_lambda_function(made: Environment) -> None:
    kinds = {found["Type"] for stack in made.stacks() for found in made.template(stack)["Resources"].values()}
    assert not [kind for kind in kinds if "Lambda" in kind or kind.startswith("Custom::")]
