"""Gives a stack's tags to its resources, as CloudFormation does."""

from collections.abc import Mapping
from typing import Any

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
