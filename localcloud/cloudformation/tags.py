"""The tags of stacks and resources: those that a resource inherits, and what differs between two sets."""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.resource import Client, Properties

AS_MAPPING = frozenset({"AWS::SSM::Parameter"})
"""Types whose ``Tags`` are a mapping; those of all others are a list of keys and values."""


def with_stack_tags(kind: str, properties: Mapping[str, Any], tags: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a resource's properties with the stack's tags; where both have a key, the resource's value stays."""
    if not tags:
        return properties
    own = properties.get("Tags")
    if kind in AS_MAPPING:
        return {**properties, "Tags": {**tags, **(own or {})}}
    keys = {tag["Key"] for tag in own or ()}
    added = [{"Key": key, "Value": value} for key, value in tags.items() if key not in keys]
    return {**properties, "Tags": [*(own or ()), *added]}


def tag_list(properties: Properties, name: str = "Tags") -> list[dict[str, str]]:
    """Return the tags as most services take them: ``Key`` and ``Value``."""
    return [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in properties.get(name) or []]


def tag_changes(before: Properties, after: Properties, name: str = "Tags") -> tuple[list[str], list[dict[str, str]]]:
    """Return the keys to remove and the tags to add, so that a resource tagged as before is tagged as after."""
    old, new = tag_list(before, name), tag_list(after, name)
    kept = {tag["Key"] for tag in new}
    return [tag["Key"] for tag in old if tag["Key"] not in kept], [tag for tag in new if tag not in old]


def retag(client: Client, before: Properties, after: Properties, **resource: str) -> None:
    """Change the tags of a resource, in a service with TagResource and UntagResource that names it by ``resource``."""
    gone, new = tag_changes(before, after)
    if gone:
        client.untag_resource(**resource, TagKeys=gone)
    if new:
        client.tag_resource(**resource, Tags=new)
