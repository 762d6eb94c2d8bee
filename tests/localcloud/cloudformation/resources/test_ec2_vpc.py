"""Networks, subnets and endpoints: created, updated and deleted, as EC2 describes them."""

import json
from typing import Any

import pytest

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.ec2_routes import (
    RouteTable,
)
from localcloud.cloudformation.resources.ec2_security_groups import SecurityGroup
from localcloud.cloudformation.resources.ec2_vpc import Subnet, Vpc, VpcEndpoint
from localcloud.moto_patches import ec2 as ec2_patches
from tests.localcloud.cloudformation.resources.conftest import TAGS, VPC, Client, tags
from tests.localcloud.moto_patches.in_process import apply


def test_a_vpc_is_made_changed_and_removed(aws: Client, context: ResourceContext) -> None:
    ec2 = aws("ec2")
    made = Vpc().create(context, VPC | {"EnableDnsHostnames": "true", "EnableDnsSupport": True})

    def attribute(name: str) -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=made.physical_id, Attribute=name[0].lower() + name[1:])
        value: bool = answer[name]["Value"]
        return value

    (found,) = ec2.describe_vpcs(VpcIds=[made.physical_id])["Vpcs"]
    assert (found["CidrBlock"], found["InstanceTenancy"]) == ("10.0.0.0/16", "default")
    assert found["Tags"] == TAGS["Tags"]
    assert attribute("EnableDnsHostnames") is attribute("EnableDnsSupport") is True
    (group,) = ec2.describe_security_groups(GroupIds=[made.attributes["DefaultSecurityGroup"]])["SecurityGroups"]
    assert (group["GroupName"], group["VpcId"]) == ("default", made.physical_id)
    assert made.attributes["CidrBlock"] == "10.0.0.0/16"
    assert made.attributes["DefaultNetworkAcl"].startswith("acl-")
    Vpc().update(context, made.physical_id, VPC, {"CidrBlock": "10.0.0.0/16", "Tags": tags(owner="me")})
    assert ec2.describe_vpcs(VpcIds=[made.physical_id])["Vpcs"][0]["Tags"] == tags(owner="me")
    assert attribute("EnableDnsHostnames") is False
    Vpc().delete(context, made.physical_id, VPC)
    Vpc().delete(context, made.physical_id, VPC)
    assert [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]] == []


def test_a_subnet_is_made_changed_and_removed(aws: Client, context: ResourceContext, vpc: str) -> None:
    ec2 = aws("ec2")
    before = {"VpcId": vpc, "CidrBlock": "10.0.16.0/20", "AvailabilityZone": "eu-west-1b", **TAGS}

    made = Subnet().create(context, before | {"MapPublicIpOnLaunch": "true"})

    (found,) = ec2.describe_subnets(SubnetIds=[made.physical_id])["Subnets"]
    assert (found["VpcId"], found["CidrBlock"], found["AvailabilityZone"]) == (vpc, "10.0.16.0/20", "eu-west-1b")
    assert (found["MapPublicIpOnLaunch"], found["Tags"]) == (True, TAGS["Tags"])
    assert made.attributes["AvailabilityZone"] == "eu-west-1b"
    assert made.attributes["NetworkAclAssociationId"].startswith("aclassoc-")
    Subnet().update(context, made.physical_id, before, {**before, "Tags": [], "MapPublicIpOnLaunch": False})
    (found,) = ec2.describe_subnets(SubnetIds=[made.physical_id])["Subnets"]
    assert (found["MapPublicIpOnLaunch"], found.get("Tags", [])) == (False, [])
    Subnet().delete(context, made.physical_id, before)
    Subnet().delete(context, made.physical_id, before)
    assert ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"] == []


def test_a_gateway_endpoint_is_made_changed_and_removed(
    aws: Client, context: ResourceContext, vpc: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(monkeypatch, ec2_patches)
    ec2 = aws("ec2")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}
    before = {
        "VpcId": vpc,
        "ServiceName": "com.amazonaws.eu-west-1.s3",
        "VpcEndpointType": "Gateway",
        "PolicyDocument": policy,
        "RouteTableIds": [table],
        **TAGS,
    }

    made = VpcEndpoint().create(context, before)

    def found() -> dict[str, Any]:
        (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made.physical_id])["VpcEndpoints"]
        return dict(endpoint)

    assert (found()["VpcId"], found()["ServiceName"]) == (vpc, "com.amazonaws.eu-west-1.s3")
    assert (found()["VpcEndpointType"], found()["RouteTableIds"]) == ("Gateway", [table])
    assert (json.loads(found()["PolicyDocument"]), found()["Tags"]) == (policy, TAGS["Tags"])
    other = RouteTable().create(context, {"VpcId": vpc}).physical_id
    after = {**before, "PolicyDocument": policy | {"Version": "2008-10-17"}, "RouteTableIds": [other], "Tags": []}
    VpcEndpoint().update(context, made.physical_id, before, after)
    assert json.loads(found()["PolicyDocument"])["Version"] == "2008-10-17"
    assert (found()["RouteTableIds"], found().get("Tags", [])) == ([other], [])
    VpcEndpoint().delete(context, made.physical_id, after)
    VpcEndpoint().delete(context, made.physical_id, after)


def test_an_interface_endpoint_is_made_and_changed(
    aws: Client, context: ResourceContext, vpc: str, subnet: str
) -> None:
    groups = [
        SecurityGroup().create(context, {"GroupDescription": name, "VpcId": vpc}).physical_id for name in ("one", "two")
    ]
    before = {
        "VpcId": vpc,
        "ServiceName": "com.amazonaws.eu-west-1.kms",
        "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": "true",
        "SecurityGroupIds": groups[:1],
        "SubnetIds": [subnet],
    }

    made = VpcEndpoint().create(context, before)

    def found() -> dict[str, Any]:
        (endpoint,) = aws("ec2").describe_vpc_endpoints(VpcEndpointIds=[made.physical_id])["VpcEndpoints"]
        return dict(endpoint)

    assert (found()["SubnetIds"], found()["PrivateDnsEnabled"]) == ([subnet], True)
    assert [group["GroupId"] for group in found()["Groups"]] == groups[:1]
    assert made.attributes["NetworkInterfaceIds"] == found()["NetworkInterfaceIds"]
    assert made.physical_id in made.attributes["DnsEntries"][0]
    VpcEndpoint().update(context, made.physical_id, before, {**before, "SecurityGroupIds": groups[1:]})
    assert [group["GroupId"] for group in found()["Groups"]] == groups[1:]
