"""Tests of infra/doctor/network.py."""

from dataclasses import replace
from typing import Any

import pytest

from infra.aws.client import Aws
from infra.cdk_context import read_settings
from infra.doctor.network import Existing, faults, routes_of
from infra.emr import MANAGED_POLICY_TAG
from tests.infra.synthesis import default_context

SUBNET: dict[str, Any] = {
    "SubnetId": "subnet-1",
    "VpcId": "vpc-1",
    "AvailableIpAddressCount": 250,
    "MapPublicIpOnLaunch": False,
    "Tags": [{"Key": MANAGED_POLICY_TAG, "Value": "true"}],
}
TO_S3 = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-s3"}
TO_INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
TO_NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
WHERE = "--region eu-west-1 --profile me"
ENDPOINT = "aws ec2 create-vpc-endpoint --vpc-id vpc-1"
GOOD = Existing("vpc-1", True, True, [SUBNET], {"subnet-1": [TO_S3]}, frozenset({"vpce-s3"}))


def found(network: Existing, kind: str = "private") -> list[str]:
    """Return the fixes of an existing network's faults."""
    settings = read_settings(default_context() | {"network": kind})
    return [fix for _, fix in faults(network, settings, Aws(settings.region, "me").typed)]


def with_subnet(**changed: Any) -> Existing:
    return replace(GOOD, subnets=[SUBNET | changed])


def with_route(*routes: dict[str, str]) -> Existing:
    return replace(GOOD, routes={"subnet-1": list(routes)})


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (GOOD, "private"),
        (with_route(TO_NAT), "private-nat"),
        (replace(with_subnet(MapPublicIpOnLaunch=True), routes={"subnet-1": [TO_INTERNET]}), "public"),
    ],
)
def test_a_fitting_network_has_no_faults(network: Existing, kind: str) -> None:
    assert found(network, kind) == []


@pytest.mark.parametrize(
    ("network", "kind", "fix"),
    [
        (
            replace(GOOD, dns_support=False),
            "private",
            "aws ec2 modify-vpc-attribute --vpc-id vpc-1 --enable-dns-support " + WHERE,
        ),
        (
            replace(GOOD, dns_hostnames=False),
            "private",
            "aws ec2 modify-vpc-attribute --vpc-id vpc-1 --enable-dns-hostnames " + WHERE,
        ),
        (with_subnet(VpcId="vpc-2"), "private", "name subnets of vpc-1 in -c subnet_ids=..."),
        (with_subnet(AvailableIpAddressCount=3), "private", "name a larger subnet"),
        (
            with_subnet(Tags=[]),
            "private",
            f"aws ec2 create-tags --resources subnet-1 --tags Key={MANAGED_POLICY_TAG},Value=true {WHERE}",
        ),
        (
            with_route(),
            "private",
            f"{ENDPOINT} --service-name com.amazonaws.eu-west-1.s3 --route-table-ids TABLE {WHERE}",
        ),
        (GOOD, "private-nat", " -c network=private"),
        (with_route(TO_INTERNET), "public", " -c network=private-nat"),
    ],
)
def test_a_fault_has_its_fix(network: Existing, kind: str, fix: str) -> None:
    (printed,) = found(network, kind)
    assert printed.endswith(fix)


def test_a_subnet_without_its_own_table_uses_the_main_one() -> None:
    main = {"Associations": [{"Main": True}], "Routes": [TO_NAT]}
    own = {"Associations": [{"Main": False, "SubnetId": "subnet-1"}], "Routes": [TO_S3]}
    assert routes_of("subnet-1", [main, own]) == [TO_S3]
    assert routes_of("subnet-2", [main, own]) == [TO_NAT]
