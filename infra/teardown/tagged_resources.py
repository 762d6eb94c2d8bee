"""Find leftover resources by the project's tag, and ask the service of each whether it still exists.

The tagging service still lists resources for hours after they were deleted.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import Aws, error_code, explained, stacks
from infra.settings import COST_TAG

_S3 = "arn:aws:s3:::"
_REMOVED = frozenset({"deleted", "deleting", "terminated", "shutting-down", "cancelled", "closed"})
"""States of resources that EC2 still lists but does not bill."""

_NOT_FOUND = frozenset(
    {
        *("404", "NoSuchBucket", "NotFoundException", "ResourceNotFoundException"),
        # EMR and CloudFormation on a cluster and a stack that they have forgotten.
        *("InvalidRequestException", "ValidationError"),
    }
)
"""Codes for a resource that does not exist; those of EC2 end with "NotFound"."""

Service = Callable[[str], Any]
"""Returns boto3's client of a service."""


@dataclass(frozen=True)
class Arn:
    """The parts of an Amazon Resource Name (ARN)."""

    text: str
    kind: str  # its service, and the type of the resource if the ARN has one: ``ec2:volume``, ``s3``
    id: str


@dataclass(frozen=True)
class Leftover:
    """A resource that still carries the project's tag."""

    arn: str
    confirmed: bool = True  # whether its service confirmed that it exists; False if that could not be asked
    free: bool = False  # whether it costs nothing

    @property
    def bucket(self) -> str | None:
        """Name of the bucket, None for any other resource."""
        return self.arn.removeprefix(_S3) if self.arn.startswith(_S3) else None


def leftovers(aws: Aws) -> list[Leftover]:
    """Return the leftover resources of the region."""
    return list(_confirmed(aws, _tagged(aws)))


def kept_buckets(aws: Aws) -> list[str]:
    """Return the buckets that an earlier destroy has kept: tagged as ours, but not in a stack."""
    now = set((stacks.outputs_if_there(aws, stacks.DATA) or {}).values())
    there = _confirmed(aws, (arn for arn in _tagged(aws) if arn.startswith(_S3)))
    return [each.bucket for each in there if each.bucket is not None and each.bucket not in now]


def parse_arn(text: str) -> Arn:
    """Return the parts of an Amazon Resource Name."""
    service, _region, _account, resource = text.split(":", 5)[2:]
    # The type ends at the first "/" or ":", depending on the service; buckets and topics have no type.
    separator = next((character for character in resource if character in "/:"), "")
    if not separator:
        return Arn(text, service, resource)
    kind, _, name = resource.partition(separator)
    return Arn(text, f"{service}:{kind}", name)


def _tagged(aws: Aws) -> Iterator[str]:
    client = aws.client("resourcegroupstaggingapi")
    with explained("look for anything that is left"):
        pages = client.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": COST_TAG[0], "Values": [COST_TAG[1]]}]
        )
        for page in pages:
            for entry in page["ResourceTagMappingList"]:
                yield entry["ResourceARN"]


def _confirmed(aws: Aws, tagged: Iterator[str]) -> Iterator[Leftover]:
    service: Service = cache(aws.client)
    for text in tagged:
        arn = parse_arn(text)
        free = arn.kind in FREE
        if arn.kind not in IS_THERE:
            yield Leftover(text, confirmed=False, free=free)
            continue
        try:
            if IS_THERE[arn.kind](service, arn):
                yield Leftover(text, free=free)
        except ClientError as error:
            code = error_code(error)
            if not (code in _NOT_FOUND or code.endswith("NotFound")):
                yield Leftover(text, confirmed=False, free=free)
        except BotoCoreError:
            yield Leftover(text, confirmed=False, free=free)


def _ec2(operation: str, ids: str, listed: str, state: str = "") -> Callable[[Service, Arn], bool]:
    """Return a function that asks EC2 whether a resource of one kind exists."""

    def is_there(service: Service, arn: Arn) -> bool:
        answer = getattr(service("ec2"), operation)(**{ids: [arn.id]})
        return any(str(each.get(state, "")).lower() not in _REMOVED for each in answer[listed])

    return is_there


def _instance(service: Service, arn: Arn) -> bool:
    reservations = service("ec2").describe_instances(InstanceIds=[arn.id])["Reservations"]
    return any(each["State"]["Name"] not in _REMOVED for found in reservations for each in found["Instances"])


def _bucket(service: Service, arn: Arn) -> bool:
    service("s3").head_bucket(Bucket=arn.id)
    return True


def _cluster(service: Service, arn: Arn) -> bool:
    state: str = service("emr").describe_cluster(ClusterId=arn.id)["Cluster"]["Status"]["State"]
    return not state.startswith("TERMINATED")


def _key(service: Service, arn: Arn) -> bool:
    # A key that is scheduled for deletion is not billed.
    return bool(service("kms").describe_key(KeyId=arn.text)["KeyMetadata"]["KeyState"] != "PendingDeletion")


def _secret(service: Service, arn: Arn) -> bool:
    # Such a secret is not billed either.
    return "DeletedDate" not in service("secretsmanager").describe_secret(SecretId=arn.text)


def _log_group(service: Service, arn: Arn) -> bool:
    name = arn.id.removesuffix(":*")
    found = service("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in found)


def _stack(service: Service, arn: Arn) -> bool:
    found = service("cloudformation").describe_stacks(StackName=arn.text)["Stacks"]
    return any(stack["StackStatus"] != "DELETE_COMPLETE" for stack in found)


IS_THERE: Mapping[str, Callable[[Service, Arn], bool]] = {
    "cloudformation:stack": _stack,
    "ec2:elastic-ip": _ec2("describe_addresses", "AllocationIds", "Addresses"),
    "ec2:instance": _instance,
    "ec2:internet-gateway": _ec2("describe_internet_gateways", "InternetGatewayIds", "InternetGateways"),
    "ec2:launch-template": _ec2("describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates"),
    "ec2:natgateway": _ec2("describe_nat_gateways", "NatGatewayIds", "NatGateways", "State"),
    "ec2:network-interface": _ec2("describe_network_interfaces", "NetworkInterfaceIds", "NetworkInterfaces"),
    "ec2:route-table": _ec2("describe_route_tables", "RouteTableIds", "RouteTables"),
    "ec2:security-group": _ec2("describe_security_groups", "GroupIds", "SecurityGroups"),
    "ec2:spot-instances-request": _ec2(
        "describe_spot_instance_requests", "SpotInstanceRequestIds", "SpotInstanceRequests", "State"
    ),
    "ec2:subnet": _ec2("describe_subnets", "SubnetIds", "Subnets"),
    "ec2:volume": _ec2("describe_volumes", "VolumeIds", "Volumes", "State"),
    "ec2:vpc": _ec2("describe_vpcs", "VpcIds", "Vpcs"),
    "ec2:vpc-endpoint": _ec2("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints", "State"),
    "elasticmapreduce:cluster": _cluster,
    "kms:key": _key,
    "logs:log-group": _log_group,
    "s3": _bucket,
    "secretsmanager:secret": _secret,
}
"""How to ask whether a resource of each kind exists; for other kinds the tagging service is believed."""

FREE = frozenset(
    {
        "cloudformation:stack",
        *("ec2:internet-gateway", "ec2:launch-template", "ec2:network-interface", "ec2:route-table"),
        *("ec2:security-group", "ec2:spot-instances-request", "ec2:subnet", "ec2:vpc"),
    }
)
"""Kinds that are free."""
