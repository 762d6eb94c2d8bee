"""Resource types that make nothing: they mean something only to the CDK or to signals, which nobody sends here."""

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.cloudformation.resource import Made, Place, Properties, ResourceType


@dataclass(frozen=True)
class NoOperation:
    """A resource that exists by name only."""

    name: str
    properties: frozenset[str]
    replacing: frozenset[str] = frozenset()

    def create(self, place: Place, properties: Properties) -> Made:  # noqa: ARG002
        """Give it a name."""
        return Made(f"{place.stack_name}-{place.logical_id}")

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:  # noqa: ARG002
        """Keep its name."""
        return Made(physical_id)

    def delete(self, place: Place, physical_id: str, properties: Properties) -> None:
        """Do nothing."""


NO_OPERATIONS: Mapping[str, ResourceType] = {
    kind.name: kind
    for kind in (
        NoOperation("AWS::CDK::Metadata", frozenset({"Analytics"})),
        NoOperation("AWS::CloudFormation::WaitCondition", frozenset({"Handle", "Timeout", "Count"})),
        NoOperation("AWS::CloudFormation::WaitConditionHandle", frozenset()),
    )
}
