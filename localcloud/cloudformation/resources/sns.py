"""SNS: topics, their policies and their subscriptions."""

import json
from typing import Any

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, document, passing_over, undone_on_failure
from localcloud.cloudformation.tags import retag, tag_list

_LONGEST_NAME = 256
_ABSENT = ("NotFound", "NotFoundException", "ResourceNotFound")
_ATTRIBUTES = ("DisplayName", "KmsMasterKeyId")


class Topic:
    """A topic."""

    name = "AWS::SNS::Topic"
    properties = frozenset({"TopicName", *_ATTRIBUTES, "Tags"})
    replacing = frozenset({"TopicName"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("sns")
        name = str(properties.get("TopicName") or context.physical_name(_LONGEST_NAME))
        arn = client.create_topic(Name=name, Tags=tag_list(properties))["TopicArn"]
        with undone_on_failure(lambda: client.delete_topic(TopicArn=arn)):
            self._set_attributes(client, arn, {}, properties)
        return self._created(arn)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("sns")
        self._set_attributes(client, physical_id, before, after)
        retag(client, before, after, ResourceArn=physical_id)
        return self._created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over(*_ABSENT):
            context.client("sns").delete_topic(TopicArn=physical_id)

    def _set_attributes(self, client: Client, arn: str, before: Properties, after: Properties) -> None:
        for name in _ATTRIBUTES:
            if before.get(name) != after.get(name):
                client.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=str(after.get(name, "")))

    def _created(self, arn: str) -> Created:
        return Created(arn, {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[-1]})


class TopicPolicy:
    """The policy of topics."""

    name = "AWS::SNS::TopicPolicy"
    properties = frozenset({"PolicyDocument", "Topics"})
    replacing: frozenset[str] = frozenset()

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        self._put(context, properties)
        return self._created(context.physical_name(_LONGEST_NAME))

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        self._reset(context, [topic for topic in before["Topics"] if topic not in after["Topics"]])
        self._put(context, after)
        return self._created(physical_id)

    def delete(self, context: ResourceContext, _physical_id: str, properties: Properties) -> None:
        self._reset(context, properties["Topics"])

    def _put(self, context: ResourceContext, properties: Properties) -> None:
        text = document(properties["PolicyDocument"])
        for topic in properties["Topics"]:
            context.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)

    def _reset(self, context: ResourceContext, topics: list[str]) -> None:
        for topic in topics:
            with passing_over(*_ABSENT):
                text = json.dumps(default_policy(topic, context.account))
                context.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)

    def _created(self, name: str) -> Created:
        return Created(name, {"Id": name})


class Subscription:
    """A subscription of a topic; SNS confirms one by e-mail only once its recipient agrees."""

    name = "AWS::SNS::Subscription"
    properties = frozenset({"TopicArn", "Protocol", "Endpoint"})
    replacing = frozenset({"TopicArn", "Protocol", "Endpoint"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        answer = call(context.client("sns"), "Subscribe", **properties, ReturnSubscriptionArn=True)
        return self._created(answer["SubscriptionArn"])

    def update(self, _context: ResourceContext, physical_id: str, _before: Properties, _after: Properties) -> Created:
        return self._created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over(*_ABSENT):
            context.client("sns").unsubscribe(SubscriptionArn=physical_id)

    def _created(self, arn: str) -> Created:
        return Created(arn, {"Arn": arn})


def default_policy(topic: str, account: str) -> dict[str, Any]:
    """Return the policy of a topic without one: its account may use it."""
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic")
    return {
        "Version": "2008-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{name}" for name in (*actions, "Subscribe", "ListSubscriptionsByTopic", "Publish")],
                "Resource": topic,
                "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
            }
        ],
    }
