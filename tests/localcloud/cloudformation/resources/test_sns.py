"""SNS: topics, policies and subscriptions from templates."""

import json

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.sns import Subscription, Topic, TopicPolicy
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, tags

TOPIC = {"DisplayName": "Alerts", "Tags": tags(project="orchard")}
ALLOW = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}]}


def test_a_topic_is_created_changed_and_deleted(aws: Client, context: ResourceContext) -> None:
    sns = aws("sns")
    made = Topic().create(context, TOPIC)
    arn = made.physical_id
    assert made.attributes == {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[-1]}
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "Alerts"
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags(project="orchard")

    assert Topic().update(context, arn, TOPIC, {"Tags": tags(owner="me")}).physical_id == arn

    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == ""
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags(owner="me")
    Topic().delete(context, arn, TOPIC)
    Topic().delete(context, arn, TOPIC)
    assert sns.list_topics()["Topics"] == []


def test_a_topic_policy_follows_its_topics(aws: Client, context: ResourceContext) -> None:
    sns = aws("sns")
    first, second = (Topic().create(context, {}).physical_id for _ in range(2))

    def allowed(topic: str) -> object:
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        return policy["Statement"][0]["Principal"]

    before = {"Topics": [first], "PolicyDocument": ALLOW}
    after = {"Topics": [second], "PolicyDocument": ALLOW}
    made = TopicPolicy().create(context, before)
    assert (allowed(first), allowed(second)) == ({"Service": "events.amazonaws.com"}, {"AWS": "*"})
    TopicPolicy().update(context, made.physical_id, before, after)
    assert (allowed(first), allowed(second)) == ({"AWS": "*"}, {"Service": "events.amazonaws.com"})
    TopicPolicy().delete(context, made.physical_id, after)
    assert allowed(second) == {"AWS": "*"}


def test_a_subscription_is_created_and_deleted(aws: Client, context: ResourceContext) -> None:
    topic = Topic().create(context, {}).physical_id
    wanted = {"TopicArn": topic, "Protocol": "email", "Endpoint": "me@example.org"}

    made = Subscription().create(context, wanted)

    (found,) = aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (found["Protocol"], found["Endpoint"], found["Owner"]) == ("email", "me@example.org", ACCOUNT)
    assert made.attributes == {"Arn": made.physical_id}
    Subscription().delete(context, made.physical_id, wanted)
    assert aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
