"""What a resource type must be able to do, and what it is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Properties = Mapping[str, Any]
"""A resource's properties, their intrinsic functions already resolved."""


@dataclass(frozen=True)
class Place:
    """Where a resource is made, and what it is made with.

    ``client`` returns a boto3 client of a service, pointed at the local cloud with the administrator's key.
    """

    client: Callable[[str], Any]
    account: str
    region: str
    stack_name: str
    stack_id: str
    logical_id: str


@dataclass(frozen=True)
class Made:
    """A resource that exists.

    ``Ref`` gives ``physical_id``, ``Fn::GetAtt`` an entry of ``attributes``.
    """

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class ReplacementNeededError(ValueError):
    """A change that cannot be made in place, though the property itself can be changed: it lies in a part of it.

    Raised by ``update`` before anything is changed; the engine then makes a new resource, as for a property in
    ``replacing``.
    """


class ResourceType(Protocol):
    """Makes, changes and removes resources of one type by the services' own API.

    Failures are raised as they come (``botocore.exceptions.ClientError``, ``ValueError``): the engine reports them and
    undoes what was made.
    """

    @property
    def name(self) -> str:
        """The type as in a template: ``AWS::S3::Bucket``."""

    @property
    def properties(self) -> frozenset[str]:
        """What is modelled; a template that sets another property is refused before anything is made."""

    @property
    def replacing(self) -> frozenset[str]:
        """Those of ``properties`` whose change makes a new resource before the old one is removed."""

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the resource, with tags and all."""

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change it in place; only properties outside ``replacing`` differ.

        Called with ``before`` and ``after`` changed about, it takes back a change that failed half-way.
        """

    def delete(self, place: Place, physical_id: str, properties: Properties) -> None:
        """Remove it; one that is not there any more is as good as removed."""
