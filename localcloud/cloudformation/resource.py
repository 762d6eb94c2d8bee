"""The interface of a resource type, and the context that it is given."""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Client = Any
"""A boto3 client of a service; boto3 creates its operations at run time."""

Properties = Mapping[str, Any]
"""A resource's properties, their intrinsic functions already resolved."""


_SUFFIX = 12
"""Characters that distinguish one deployment's resource from the next one's."""


@dataclass(frozen=True)
class ResourceContext:
    """The context of a resource: its stack, and ``client``, which returns an administrator's client of a service."""

    client: Callable[[str], Any]
    account: str
    region: str
    stack_name: str
    stack_id: str
    logical_id: str

    def physical_name(self, longest: int, *, lower_case: bool = False) -> str:
        """Return stack name, logical id and random characters, joined by hyphens, as CloudFormation names resources.

        If the name exceeds ``longest``, the longer of stack name and logical id is cut first.
        """
        suffix = _random(string.ascii_uppercase + string.digits)
        stack, logical = self.stack_name, self.logical_id
        excess = len(stack) + len(logical) + _SUFFIX + 2 - longest
        if excess > 0:
            shared = (longest - _SUFFIX - 2) // 2
            stack = stack[: max(shared, len(stack) - excess)]
            logical = logical[: longest - _SUFFIX - 2 - len(stack)]
        name = f"{stack}-{logical}-{suffix}"
        return name.lower() if lower_case else name

    def name_without_stack(self) -> str:
        """Return logical id and random characters, joined by a hyphen, as a few newer types are named."""
        return f"{self.logical_id}-{_random(string.ascii_letters + string.digits)}"


def _random(alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(_SUFFIX))


@dataclass(frozen=True)
class Created:
    """A created resource: what ``Ref`` gives, and what ``Fn::GetAtt`` gives by name."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class ReplacementNeededError(ValueError):
    """An update that requires a new resource, because of a part of a property; raised before anything is changed."""


PARTLY_REPLACING: Mapping[str, frozenset[str]] = {
    "AWS::Budgets::Budget": frozenset({"Budget"}),
    "AWS::EMR::Cluster": frozenset({"Instances"}),
}
"""Properties by type whose update may raise ``ReplacementNeededError``."""


class ResourceType(Protocol):
    """Creates, updates and deletes resources of one type. The engine reports its exceptions, and undoes."""

    @property
    def name(self) -> str:
        """The type as in a template: ``AWS::S3::Bucket``."""

    @property
    def properties(self) -> frozenset[str]:
        """What is modelled; a template with another property is refused before anything is created."""

    @property
    def replacing(self) -> frozenset[str]:
        """The ``properties`` whose change creates a new resource before the old one is deleted."""

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Create the resource, including its tags."""

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Update it in place; ``replacing`` is equal. With ``before`` and ``after`` swapped, undo a failed update."""

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        """Delete it; succeed if it does not exist any more."""


@dataclass(frozen=True)
class NoOperation:
    """A type that creates nothing: only the CDK, or signals, which are not sent here, use it."""

    name: str
    properties: frozenset[str]
    replacing: frozenset[str] = frozenset()

    def create(self, context: ResourceContext, properties: Properties) -> Created:  # noqa: ARG002
        """Return a name."""
        return Created(f"{context.stack_name}-{context.logical_id}")

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:  # noqa: ARG002
        """Keep its name."""
        return Created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        """Do nothing."""


NO_OPERATIONS: Mapping[str, ResourceType] = {
    kind.name: kind
    for kind in (
        NoOperation("AWS::CDK::Metadata", frozenset({"Analytics"})),
        NoOperation("AWS::CloudFormation::WaitCondition", frozenset({"Handle", "Timeout", "Count"})),
        NoOperation("AWS::CloudFormation::WaitConditionHandle", frozenset()),
    )
}
