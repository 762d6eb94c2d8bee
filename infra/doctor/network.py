"""Check an existing network, named by ``vpc_id`` and ``subnet_ids``, for what a cluster needs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import error_code
from infra.doctor.finding import Account, Finding, failure, ok
from infra.emr import MANAGED_POLICY_TAG
from infra.settings import Settings

_ANYWHERE = "0.0.0.0/0"
_ABSENT = ("InvalidVpcID.NotFound", "InvalidSubnetID.NotFound")

Typed = Callable[[str], str]
"""Returns a command of the AWS CLI for an account and region."""


@dataclass(frozen=True)
class Existing:
    """An existing network as EC2 describes it; ``routes`` has the routes of each subnet by its id."""

    vpc: str
    dns_support: bool
    dns_hostnames: bool
    subnets: Sequence[Mapping[str, Any]]
    routes: Mapping[str, Sequence[Mapping[str, Any]]]
    s3_endpoints: frozenset[str]  # ids of the S3 gateway endpoints


def existing(account: Account) -> Finding:
    """Find out whether the existing network offers what a cluster needs, if the settings name one."""
    vpc, subnets = account.settings.vpc_id, account.settings.subnet_ids
    if not vpc:
        return ok("not needed: the deployment creates its own")
    try:
        network = _read(account, vpc, subnets)
    except ClientError as error:
        if error_code(error) not in _ABSENT:
            raise
        return failure(
            f"vpc_id and subnet_ids must exist in {account.aws.region}, got {vpc} and {', '.join(subnets)}.",
            f"list them: {account.aws.typed('ec2 describe-subnets')}",
        )
    for message, fix in faults(network, account.settings, account.aws.typed):
        return failure(message, fix)
    return ok(f"{vpc} offers what a cluster needs in {', '.join(subnets)}")


def faults(network: Existing, settings: Settings, typed: Typed) -> Iterator[tuple[str, str]]:
    """Yield what an existing network lacks, each with its fix."""
    vpc = network.vpc
    for name, present in (("dns-support", network.dns_support), ("dns-hostnames", network.dns_hostnames)):
        if not present:
            yield (
                f"{vpc} must have enable-{name}, which is off.",
                typed(f"ec2 modify-vpc-attribute --vpc-id {vpc} --enable-{name}"),
            )
    for subnet in network.subnets:
        yield from _faults_of_subnet(subnet, network, settings, typed)


def _faults_of_subnet(
    subnet: Mapping[str, Any], network: Existing, settings: Settings, typed: Typed
) -> Iterator[tuple[str, str]]:
    name, vpc = subnet["SubnetId"], network.vpc
    if subnet["VpcId"] != vpc:
        yield f"{name} must be in {vpc}, got {subnet['VpcId']}.", f"name subnets of {vpc} in -c subnet_ids=..."
        return
    nodes = 1 + settings.most_workers
    if subnet["AvailableIpAddressCount"] < nodes:
        free = subnet["AvailableIpAddressCount"]
        yield f"{name} must have {nodes} free addresses, one per node, got {free}.", "name a larger subnet"
    if {"Key": MANAGED_POLICY_TAG, "Value": "true"} not in subnet.get("Tags", []):
        yield (
            f"{name} must have the tag {MANAGED_POLICY_TAG}, or EMR may not start nodes in it.",
            typed(f"ec2 create-tags --resources {name} --tags Key={MANAGED_POLICY_TAG},Value=true"),
        )
    routes = network.routes[name]
    out = [route for route in routes if route.get("DestinationCidrBlock") == _ANYWHERE]
    internet = any(str(route.get("GatewayId", "")).startswith("igw-") for route in out)
    nat = any(route.get("NatGatewayId") or route.get("TransitGatewayId") for route in out)
    if settings.network == "public" and not (internet and subnet.get("MapPublicIpOnLaunch")):
        yield (
            f"{name} must have a route to an internet gateway and give public addresses, for network=public.",
            "name a public subnet, or deploy with -c network=private-nat",
        )
    if settings.network == "private-nat" and not nat:
        yield (
            f"{name} must have a route to a NAT or transit gateway, for network=private-nat.",
            "name a subnet with such a route, or deploy with -c network=private",
        )
    if settings.network == "private" and not any(route.get("GatewayId") in network.s3_endpoints for route in routes):
        service = f"com.amazonaws.{settings.region}.s3"
        yield (
            f"{name} must reach S3 by a gateway endpoint, for network=private.",
            typed(f"ec2 create-vpc-endpoint --vpc-id {vpc} --service-name {service} --route-table-ids TABLE"),
        )


def _read(account: Account, vpc: str, subnets: Sequence[str]) -> Existing:
    ec2 = account.aws.client("ec2")
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    support, hostnames = (
        bool(ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[f"{name[0].upper()}{name[1:]}"]["Value"])
        for name in ("enableDnsSupport", "enableDnsHostnames")
    )
    tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]
    return Existing(
        vpc,
        support,
        hostnames,
        ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"],
        {subnet: routes_of(subnet, tables) for subnet in subnets},
        frozenset(one["VpcEndpointId"] for one in endpoints if one["ServiceName"].endswith(".s3")),
    )


def routes_of(subnet: str, tables: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the routes of a subnet: from the table associated with it, else from the main one."""
    main: Sequence[Mapping[str, Any]] = []
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet:
                return list(table["Routes"])
            if association.get("Main"):
                main = table["Routes"]
    return main
