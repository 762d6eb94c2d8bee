"""Plans a deployment: which resources are added, modified in place, replaced and removed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation.resource import PARTLY_REPLACING, ResourceType
from localcloud.cloudformation.stacks import Change, Resource
from localcloud.cloudformation.template import Declaration

_KEPT = ("Retain", "RetainExceptOnCreate")

Resolve = Callable[[Declaration, frozenset[str]], Mapping[str, Any]]
"""Returns a declaration's resolved properties, assuming that the named resources do not exist yet."""


@dataclass(frozen=True)
class Difference:
    """How a resource differs from its new declaration.

    ``properties`` maps each differing property to whether it requires a new resource; ``attributes`` may hold
    ``Metadata``, ``DeletionPolicy`` and ``UpdateReplacePolicy``.
    """

    properties: Mapping[str, bool] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    other_type: bool = False

    @property
    def replaces(self) -> bool:
        """Whether a new resource must replace the old one."""
        return self.other_type or any(self.properties.values())

    def __bool__(self) -> bool:
        return bool(self.properties) or bool(self.attributes) or self.other_type


def difference(
    before: Resource, declaration: Declaration, properties: Mapping[str, Any], replacing: frozenset[str]
) -> Difference:
    """Return how an existing resource differs from its new declaration."""
    names = sorted({*before.properties, *properties})
    was = before.declaration
    compared = (
        ("Metadata", was.metadata, declaration.metadata),
        ("DeletionPolicy", was.deletion_policy, declaration.deletion_policy),
        ("UpdateReplacePolicy", was.update_replace_policy, declaration.update_replace_policy),
    )
    return Difference(
        properties={name: name in replacing for name in names if before.properties.get(name) != properties.get(name)},
        attributes=tuple(name for name, old, new in compared if old != new),
        other_type=was.type != declaration.type,
    )


def plan(
    current: Mapping[str, Resource], wanted: Sequence[Declaration], resolve: Resolve, types: Mapping[str, ResourceType]
) -> list[Change]:
    """Return the changes from the current resources to the wanted ones, which are in order of dependencies."""
    changes = []
    unknown: set[str] = set()
    for declaration in wanted:
        name = declaration.logical_id
        before = current.get(name)
        properties = resolve(declaration, frozenset(unknown))
        if before is None:
            unknown.add(name)
            changes.append(Change("Add", name, None, declaration.type))
            continue
        known = types.get(declaration.type)
        found = difference(before, declaration, properties, known.replacing if known else frozenset())
        if not found:
            continue
        if found.replaces:
            unknown.add(name)
        changes.append(_modification(before, declaration, found))
    kept = {declaration.logical_id for declaration in wanted}
    changes += [
        Change(
            "Remove",
            name,
            gone.physical_id,
            gone.declaration.type,
            policy_action="Retain" if gone.declaration.deletion_policy in _KEPT else "Delete",
        )
        for name, gone in reversed(list(current.items()))
        if name not in kept
    ]
    return changes


def _modification(before: Resource, declaration: Declaration, found: Difference) -> Change:
    policy = None
    if found.replaces:
        kept = before.declaration.update_replace_policy in _KEPT
        policy = "ReplaceAndRetain" if kept else "ReplaceAndDelete"
    return Change(
        "Modify",
        declaration.logical_id,
        before.physical_id,
        declaration.type,
        replaces=found.replaces,
        properties={name: replaces for name, replaces in found.properties.items() if name != "Tags"},
        may_replace=PARTLY_REPLACING.get(declaration.type, frozenset()) & set(found.properties),
        attributes=(*(("Tags",) if "Tags" in found.properties else ()), *found.attributes),
        policy_action=policy,
    )
