"""EC2: gaps of stock moto, and their patches."""

# ruff: noqa: F811 - the fixtures of the resource types

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources import ec2_routes, ec2_security_groups, ec2_vpc
from localcloud.moto_patches import ec2
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, aws, context, tags  # noqa: F401 - fixtures
from tests.localcloud.moto_patches.in_process import apply

VPC = {"CidrBlock": "10.0.0.0/16"}


def group_in(context: ResourceContext, vpc: str, name: str) -> str:
    return ec2_security_groups.SecurityGroup().create(context, {"GroupDescription": name, "VpcId": vpc}).physical_id


def rule_between(context: ResourceContext, group: str, other: str) -> tuple[dict[str, Any], str]:
    rule = {"GroupId": group, "SourceSecurityGroupId": other, "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2}
    described = {**rule, "Description": "EMR"}
    return described, ec2_security_groups.SecurityGroupIngress().create(context, described).physical_id


def descriptions(aws: Client, group: str) -> list[str]:
    found = aws("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return [rule.get("Description", "") for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]


def test_stock_moto_drops_descriptions_of_group_rules(aws: Client, context: ResourceContext) -> None:
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    group, other = (group_in(context, vpc, name) for name in ("one", "two"))
    rule_between(context, group, other)
    assert descriptions(aws, group) == [""]


def test_a_rule_between_groups_keeps_and_changes_its_description(
    aws: Client, context: ResourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(monkeypatch, ec2)
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    group, other = (group_in(context, vpc, name) for name in ("one", "two"))
    rule, made = rule_between(context, group, other)
    assert descriptions(aws, group) == ["EMR"]
    ec2_security_groups.SecurityGroupIngress().update(context, made, rule, rule | {"Description": "Nodes"})
    assert descriptions(aws, group) == ["Nodes"]


def endpoint_in(context: ResourceContext, vpc: str) -> tuple[dict[str, Any], str]:
    table = ec2_routes.RouteTable().create(context, {"VpcId": vpc}).physical_id
    service = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": [table]}
    return service, ec2_vpc.VpcEndpoint().create(context, service).physical_id


def tables_with_route_to(aws: Client, endpoint: str) -> list[str]:
    return [
        table["RouteTableId"]
        for table in aws("ec2").describe_route_tables()["RouteTables"]
        if any(route.get("GatewayId") == endpoint for route in table["Routes"])
    ]


def test_stock_moto_keeps_routes_of_deleted_endpoints(aws: Client, context: ResourceContext) -> None:
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    before, endpoint = endpoint_in(context, vpc)
    ec2_vpc.VpcEndpoint().delete(context, endpoint, before)
    assert [each["State"] for each in aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]] == ["deleted"]
    before, endpoint = endpoint_in(context, vpc)
    table = ec2_routes.RouteTable().create(context, {"VpcId": vpc}).physical_id
    ec2_vpc.VpcEndpoint().update(context, endpoint, before, before | {"RouteTableIds": [table]})
    assert tables_with_route_to(aws, endpoint) == before["RouteTableIds"]


def test_endpoint_routes_follow_their_tables_and_end(
    aws: Client, context: ResourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(monkeypatch, ec2)
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    before, endpoint = endpoint_in(context, vpc)
    table = ec2_routes.RouteTable().create(context, {"VpcId": vpc}).physical_id
    ec2_vpc.VpcEndpoint().update(context, endpoint, before, before | {"RouteTableIds": [table]})
    assert tables_with_route_to(aws, endpoint) == [table]
    ec2_vpc.VpcEndpoint().delete(context, endpoint, before)
    assert tables_with_route_to(aws, endpoint) == []
    assert aws("ec2").describe_vpc_endpoints()["VpcEndpoints"] == []


def test_stock_moto_deletes_resources_in_use(context: ResourceContext) -> None:
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    subnet = ec2_vpc.Subnet().create(context, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id
    address = ec2_routes.ElasticIp().create(context, {})
    ec2_routes.NatGateway().create(context, {"SubnetId": subnet, "AllocationId": address.attributes["AllocationId"]})
    group, other = (group_in(context, vpc, name) for name in ("one", "two"))
    rule_between(context, group, other)
    ec2_security_groups.SecurityGroup().delete(context, other, {})
    ec2_routes.ElasticIp().delete(context, address.physical_id, {})
    ec2_vpc.Subnet().delete(context, subnet, {})
    ec2_vpc.Vpc().delete(context, vpc, {})


def test_deletes_resources_only_once_they_are_unused(context: ResourceContext, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, ec2)
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    subnet = ec2_vpc.Subnet().create(context, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id
    address = ec2_routes.ElasticIp().create(context, {})
    nat = ec2_routes.NatGateway().create(
        context, {"SubnetId": subnet, "AllocationId": address.attributes["AllocationId"]}
    )
    group, other = (group_in(context, vpc, name) for name in ("one", "two"))
    rule, made = rule_between(context, group, other)
    gateway = ec2_routes.InternetGateway().create(context, {}).physical_id
    attachment = {"VpcId": vpc, "InternetGatewayId": gateway}
    ec2_routes.VpcGatewayAttachment().create(context, attachment)

    with pytest.raises(ClientError, match=rf"\(DependencyViolation\).*: resource {other} has a dependent object"):
        ec2_security_groups.SecurityGroup().delete(context, other, {})
    ec2_security_groups.SecurityGroupIngress().delete(context, made, rule)
    for name in (other, group):
        ec2_security_groups.SecurityGroup().delete(context, name, {})
    with pytest.raises(ClientError, match=r"\(InvalidIPAddress.InUse\)"):
        ec2_routes.ElasticIp().delete(context, address.physical_id, {})
    with pytest.raises(ClientError, match=rf"The subnet '{subnet}' has dependencies and cannot be deleted."):
        ec2_vpc.Subnet().delete(context, subnet, {})
    for name in (nat.physical_id, nat.physical_id, "nat-nobody"):
        ec2_routes.NatGateway().delete(context, name, {})
    ec2_routes.ElasticIp().delete(context, address.physical_id, {})
    ec2_vpc.Subnet().delete(context, subnet, {})
    with pytest.raises(ClientError, match=rf"The vpc '{vpc}' has dependencies and cannot be deleted."):
        ec2_vpc.Vpc().delete(context, vpc, {})
    ec2_routes.VpcGatewayAttachment().delete(context, "", attachment)
    ec2_vpc.Vpc().delete(context, vpc, {})


def test_keeps_an_endpoints_group_not_one_naming_itself(
    context: ResourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(monkeypatch, ec2)
    vpc = ec2_vpc.Vpc().create(context, VPC).physical_id
    subnet = ec2_vpc.Subnet().create(context, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id
    group, alone = (group_in(context, vpc, name) for name in ("one", "two"))
    rule_between(context, alone, alone)
    service = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.kms", "VpcEndpointType": "Interface"}
    endpoint = ec2_vpc.VpcEndpoint().create(context, service | {"SecurityGroupIds": [group], "SubnetIds": [subnet]})
    ec2_security_groups.SecurityGroup().delete(context, alone, {})
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2_security_groups.SecurityGroup().delete(context, group, {})
    ec2_vpc.VpcEndpoint().delete(context, endpoint.physical_id, service)
    ec2_security_groups.SecurityGroup().delete(context, group, {})
    ec2_vpc.Subnet().delete(context, subnet, {})
    ec2_vpc.Vpc().delete(context, vpc, {})
