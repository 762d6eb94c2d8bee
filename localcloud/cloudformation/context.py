"""Gives a template's functions the stack's resources, exports, zones and stored parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.intrinsics import KNOWN_AFTER_APPLY
from localcloud.cloudformation.stacks import Resource


def stored_parameter(ssm: Any, name: str) -> str:  # noqa: ANN401 - boto3 client
    """Return the value of a parameter of AWS Systems Manager."""
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        raise RequestError(f"Unable to fetch parameters [{name}] from parameter store for this account.") from error


@dataclass(frozen=True)
class Account:
    """The account and region that a stack is in."""

    client: Callable[[str], Any]
    exported: Callable[[str], str]

    def stored(self, name: str) -> str:
        """Return a parameter of AWS Systems Manager."""
        return stored_parameter(self.client("ssm"), name)


@dataclass(frozen=True)
class Deployed:
    """What functions find while a stack is deployed; ``imports`` collects the exports that they use."""

    resources: Mapping[str, Resource]
    account: Account
    imports: set[str]

    def reference(self, logical_id: str) -> Any:  # noqa: ANN401
        """Return what ``Ref`` of a resource gives."""
        return self._resource(logical_id).physical_id

    def attribute(self, logical_id: str, name: str) -> Any:  # noqa: ANN401
        """Return what ``Fn::GetAtt`` of a resource gives."""
        resource = self._resource(logical_id)
        if name in resource.attributes:
            return resource.attributes[name]
        raise RequestError(
            f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt"
        )

    def imported(self, name: str) -> Any:  # noqa: ANN401
        """Return the value of another stack's export."""
        value = self.account.exported(name)
        self.imports.add(name)
        return value

    def zones(self, region: str) -> Sequence[str]:
        """Return the names of a region's availability zones."""
        answer = self.account.client("ec2").describe_availability_zones(
            Filters=[{"Name": "region-name", "Values": [region]}]
        )
        return sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])

    def dynamic(self, service: str, key: str) -> str:
        """Return the value of a dynamic reference."""
        if service == "ssm":
            return self.account.stored(key)
        raise RequestError(f"The local cloud does not model {{{{resolve:{service}:...}}}}")

    def _resource(self, logical_id: str) -> Resource:
        if logical_id not in self.resources:
            raise RequestError(f"Template format error: Unresolved resource dependencies [{logical_id}]")
        return self.resources[logical_id]


@dataclass(frozen=True)
class Predicted(Deployed):
    """The same for a deployment that is only planned."""

    unknown: frozenset[str]

    def reference(self, logical_id: str) -> Any:  # noqa: ANN401
        """Return what ``Ref`` of a resource gives, or the mark that it is not known yet."""
        return KNOWN_AFTER_APPLY if logical_id in self.unknown else super().reference(logical_id)

    def attribute(self, logical_id: str, name: str) -> Any:  # noqa: ANN401
        """Return what ``Fn::GetAtt`` of a resource gives, or the mark that it is not known yet."""
        return KNOWN_AFTER_APPLY if logical_id in self.unknown else super().attribute(logical_id, name)
