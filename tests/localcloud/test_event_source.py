"""Events of clusters, steps and schedules, delivered to a topic and read from a queue that subscribes to it."""

import json
from datetime import datetime
from typing import Any

import pytest

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.events import Rule
from localcloud.cloudformation.resources.sns import Topic, TopicPolicy
from localcloud.event_source import EventSource
from localcloud.moto_patches import events
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, REGION, Client, context_of
from tests.localcloud.cloudformation.resources.conftest import aws as aws  # noqa: PLC0414 - a fixture
from tests.localcloud.emr.clusters import BEGIN, after, ready, step
from tests.localcloud.moto_patches.in_process import apply

FAILED = {"source": ["aws.emr"], "detail-type": ["EMR Step Status Change"], "detail": {"state": ["FAILED"]}}
ENDED = {
    "source": ["aws.emr"],
    "detail-type": ["EMR Cluster State Change"],
    "detail": {"state": ["TERMINATED", "TERMINATED_WITH_ERRORS"]},
}


class Alerts:
    """A topic, a queue that subscribes to it, and an event source whose clock is set by hand."""

    def __init__(self, aws: Client) -> None:
        self._aws = aws
        self.topic = Topic().create(self.context("Topic"), {}).physical_id
        self._queue = aws("sqs").create_queue(QueueName="read")["QueueUrl"]
        endpoint = f"arn:aws:sqs:{REGION}:{ACCOUNT}:read"
        aws("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"}
        )
        self.now: datetime = BEGIN
        self.cluster = ready(step("train"))
        self.cluster.account, self.cluster.region = ACCOUNT, REGION
        self.source = EventSource(lambda: [self.cluster], lambda: self.now)

    def context(self, name: str) -> ResourceContext:
        return context_of(name, self._aws)

    def allow(self) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self.topic,
        }
        policy = {"Topics": [self.topic], "PolicyDocument": {"Statement": [statement]}}
        TopicPolicy().create(self.context("Policy"), policy)

    def rule(self, **properties: Any) -> str:
        target = {"Arn": self.topic, "Id": "Target0", **properties.pop("target", {})}
        return Rule().create(self.context("Rule"), {**properties, "Targets": [target]}).physical_id

    def received(self) -> list[str]:
        found = self._aws("sqs").receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", ())]


@pytest.fixture
def alerts(aws: Client, monkeypatch: pytest.MonkeyPatch) -> Alerts:
    apply(monkeypatch, events)
    return Alerts(aws)


def test_a_failed_step_reaches_the_topic_once(alerts: Alerts) -> None:
    alerts.allow()
    alerts.rule(EventPattern=FAILED)
    alerts.source.poll()
    (failing,) = alerts.cluster.steps
    alerts.cluster.start(failing, after(11))
    alerts.cluster.fail(failing, {"Reason": "Unknown Error."}, after(12))

    alerts.source.poll()
    alerts.source.poll()

    (message,) = map(json.loads, alerts.received())
    detail = message["detail"]
    assert (message["source"], detail["severity"]) == ("aws.emr", "ERROR")
    assert (detail["clusterId"], detail["stepId"], detail["name"]) == (alerts.cluster.id, failing.id, "train")


def test_an_ended_cluster_fills_in_the_template(alerts: Alerts) -> None:
    alerts.allow()
    transformer = {
        "InputPathsMap": {"cluster": "$.detail.name", "state": "$.detail.state"},
        "InputTemplate": '"The cluster <cluster> is <state>."',
    }
    alerts.rule(EventPattern=ENDED, target={"InputTransformer": transformer})
    alerts.cluster.terminate("USER_REQUEST", "Terminated by user request", after(11))
    alerts.source.poll()
    assert alerts.received() == []
    alerts.cluster.finish(after(12))

    alerts.source.poll()

    assert alerts.received() == ['"The cluster orchard-1 is TERMINATED."']


def test_a_schedule_reaches_the_topic_each_time(alerts: Alerts) -> None:
    alerts.allow()
    alerts.rule(ScheduleExpression="rate(1 minute)", target={"Input": '"Still there"'})
    counts = []
    for seconds in (0, 59, 60, 61, 120):
        alerts.now = after(seconds)
        alerts.source.poll()
        counts.append(len(alerts.received()))
    assert counts == [0, 0, 1, 0, 1]


def test_without_permission_nothing_reaches_the_topic(alerts: Alerts) -> None:
    alerts.rule(ScheduleExpression="rate(1 minute)")
    for seconds in (0, 60):
        alerts.now = after(seconds)
        alerts.source.poll()
    assert alerts.received() == []


def test_a_disabled_rule_sends_nothing(alerts: Alerts) -> None:
    alerts.allow()
    alerts.rule(ScheduleExpression="rate(1 minute)", State="DISABLED")
    alerts.rule(EventPattern=ENDED, State="DISABLED")
    alerts.cluster.terminate("USER_REQUEST", "Terminated by user request", after(11))
    alerts.cluster.finish(after(12))
    for seconds in (0, 60):
        alerts.now = after(seconds)
        alerts.source.poll()
    assert alerts.received() == []


def test_the_aws_managed_key_blocks_events(alerts: Alerts, aws: Client) -> None:
    alerts.allow()
    aws("sns").set_topic_attributes(
        TopicArn=alerts.topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
    )
    alerts.rule(ScheduleExpression="rate(1 minute)")
    for seconds in (0, 60):
        alerts.now = after(seconds)
        alerts.source.poll()
    assert alerts.received() == []
