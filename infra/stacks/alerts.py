"""Mails about the cluster: EventBridge rules that send to the topic of OrchardBudget. No Lambda function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

REMINDER_SCHEDULE = "rate(1 day)"
_RULES_OF_THE_CLUSTER = "rule/OrchardCluster-*"


@dataclass(frozen=True)
class Alert:
    """A mail and when it is sent: on events of EMR, or else once a day."""

    text: str  # with ``<name>`` for each value of ``values``
    detail_type: str = ""  # kind of EMR's events; empty for the schedule
    detail: Mapping[str, Any] = field(default_factory=dict)  # which of these events
    values: Mapping[str, str] = field(default_factory=dict)  # JSON paths into the event


def cluster_alerts(cluster: str, region: str, standing_usd: float) -> dict[str, Alert]:
    """Return the alerts of a cluster by name.

    Parameters
    ----------
    cluster
        EMR's id, or a reference to it.
    standing_usd
        What the stack costs a month after the cluster has ended.
    """
    remove = f"Remove it: orchard destroy --region {region}"
    costs_on = f"The stack OrchardCluster still costs about {standing_usd:.2f} USD a month."
    return {
        "FailedStep": Alert(
            f"The step <step> failed on the cluster <cluster>. See why: orchard status --region {region}",
            "EMR Step Status Change",
            {"clusterId": [cluster], "state": ["FAILED"]},
            {"step": "$.detail.name", "cluster": "$.detail.clusterId"},
        ),
        "EndedCluster": Alert(
            f"The cluster <cluster> has ended: <state>. {costs_on} {remove}",
            "EMR Cluster State Change",
            {"clusterId": [cluster], "state": ["TERMINATED", "TERMINATED_WITH_ERRORS"]},
            {"cluster": "$.detail.clusterId", "state": "$.detail.state"},
        ),
        "Reminder": Alert(
            f"OrchardCluster exists in {region}, and its cluster costs by the hour while it runs. "
            f"Once that has ended: {costs_on} {remove}"
        ),
    }


def alert_rule(scope: Construct, name: str, alert: Alert, topic: sns.ITopic) -> events.CfnRule:
    """Declare the rule that sends an alert to a topic."""
    text = json.dumps(alert.text)
    mail: dict[str, Any] = {"input": text}
    when: dict[str, Any] = {"schedule_expression": REMINDER_SCHEDULE}
    if alert.detail_type:
        transformer = events.CfnRule.InputTransformerProperty(input_paths_map=dict(alert.values), input_template=text)
        mail = {"input_transformer": transformer}
        pattern = {"source": ["aws.emr"], "detail-type": [alert.detail_type], "detail": dict(alert.detail)}
        when = {"event_pattern": pattern}
    target = events.CfnRule.TargetProperty(arn=topic.topic_arn, id="mail", **mail)
    return events.CfnRule(scope, name, targets=[target], **when)


def alert_topic(scope: Construct, email: str) -> sns.Topic:
    """Declare a topic that mails what the rules of OrchardCluster send; AWS asks the address to confirm first."""
    topic = sns.Topic(scope, "Alerts", enforce_ssl=True)
    sns.CfnSubscription(scope, "Mail", topic_arn=topic.topic_arn, protocol="email", endpoint=email)
    stack = cdk.Stack.of(scope)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="RulesOfTheCluster",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "ArnLike": {
                    "aws:SourceArn": f"arn:aws:events:{stack.region}:{cdk.Aws.ACCOUNT_ID}:{_RULES_OF_THE_CLUSTER}"
                }
            },
        )
    )
    return topic
