"""The tags of a resource: a list of keys and values in a template, and what changed between two of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.cloudformation.resource import Properties


def tag_list(properties: Properties, name: str = "Tags") -> list[dict[str, str]]:
    """Return the tags as most services take them: ``Key`` and ``Value``."""
    return [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in properties.get(name) or []]


def tag_changes(before: Properties, after: Properties, name: str = "Tags") -> tuple[list[str], list[dict[str, str]]]:
    """Return the keys to take off and the tags to put on, so that what was tagged as before is tagged as after."""
    old, new = tag_list(before, name), tag_list(after, name)
    kept = {tag["Key"] for tag in new}
    return [tag["Key"] for tag in old if tag["Key"] not in kept], [tag for tag in new if tag not in old]


def renamed(tags: Sequence[Mapping[str, Any]], key: str, value: str) -> list[dict[str, str]]:
    """Return tags with other names for ``Key`` and ``Value``, as a few services have them."""
    return [{key: tag["Key"], value: tag["Value"]} for tag in tags]
