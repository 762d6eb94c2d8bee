"""Networks: made, changed and removed as EC2 itself tells it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import Place
from localcloud.cloudformation.resources.ec2_network import (
    ElasticIp,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    Subnet,
    SubnetRouteTableAssociation,
    Vpc,
    VpcEndpoint,
    VpcGatewayAttachment,
)
from localcloud.cloudformation.resources.ec2_security_groups import SecurityGroup
from localcloud.moto_patches import ec2_endpoints
from tests.localcloud.cloudformation.resources.conftest import Client, tags
from tests.localcloud.moto_patches.in_process import close

TAGS = {"Tags": tags(project="orchard")}
VPC: dict[str, Any] = {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "default", **TAGS}
ANYWHERE = "0.0.0.0/0"


@pytest.fixture
def vpc(place: Place) -> str:
    return Vpc().create(place, VPC).physical_id


@pytest.fixture
def subnet(place: Place, vpc: str) -> str:
    return Subnet().create(place, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id


@pytest.fixture
def table(place: Place, vpc: str) -> str:
    return RouteTable().create(place, {"VpcId": vpc, **TAGS}).physical_id


@pytest.fixture
def gateway(place: Place) -> str:
    return InternetGateway().create(place, TAGS).physical_id


def test_a_vpc_is_made_changed_and_removed(aws: Client, place: Place) -> None:
    ec2 = aws("ec2")
    made = Vpc().create(place, VPC | {"EnableDnsHostnames": "true", "EnableDnsSupport": True})

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
    Vpc().update(place, made.physical_id, VPC, {"CidrBlock": "10.0.0.0/16", "Tags": tags(owner="me")})
    assert ec2.describe_vpcs(VpcIds=[made.physical_id])["Vpcs"][0]["Tags"] == tags(owner="me")
    assert attribute("EnableDnsHostnames") is False
    Vpc().delete(place, made.physical_id, VPC)
    Vpc().delete(place, made.physical_id, VPC)
    assert [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]] == []


def test_a_subnet_is_made_changed_and_removed(aws: Client, place: Place, vpc: str) -> None:
    ec2 = aws("ec2")
    before = {"VpcId": vpc, "CidrBlock": "10.0.16.0/20", "AvailabilityZone": "eu-west-1b", **TAGS}

    made = Subnet().create(place, before | {"MapPublicIpOnLaunch": "true"})

    (found,) = ec2.describe_subnets(SubnetIds=[made.physical_id])["Subnets"]
    assert (found["VpcId"], found["CidrBlock"], found["AvailabilityZone"]) == (vpc, "10.0.16.0/20", "eu-west-1b")
    assert (found["MapPublicIpOnLaunch"], found["Tags"]) == (True, TAGS["Tags"])
    assert made.attributes["AvailabilityZone"] == "eu-west-1b"
    assert made.attributes["NetworkAclAssociationId"].startswith("aclassoc-")
    Subnet().update(place, made.physical_id, before, {**before, "Tags": [], "MapPublicIpOnLaunch": False})
    (found,) = ec2.describe_subnets(SubnetIds=[made.physical_id])["Subnets"]
    assert (found["MapPublicIpOnLaunch"], found.get("Tags", [])) == (False, [])
    Subnet().delete(place, made.physical_id, before)
    Subnet().delete(place, made.physical_id, before)
    assert ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"] == []


def test_a_route_leads_to_a_gateway_and_then_to_another(
    aws: Client, place: Place, subnet: str, table: str, gateway: str
) -> None:
    ec2 = aws("ec2")
    address = ElasticIp().create(place, {"Domain": "vpc"}).attributes["AllocationId"]
    nat = NatGateway().create(place, {"SubnetId": subnet, "AllocationId": address}).physical_id
    before = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "GatewayId": gateway}
    after = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "NatGatewayId": nat}

    def targets() -> list[dict[str, str]]:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return [route for route in found["Routes"] if route.get("DestinationCidrBlock") == ANYWHERE]

    made = Route().create(place, before)

    assert (made.physical_id, made.attributes) == (f"{table}|{ANYWHERE}", {"CidrBlock": ANYWHERE})
    assert targets()[0]["GatewayId"] == gateway
    Route().update(place, made.physical_id, before, after)
    assert targets()[0]["NatGatewayId"] == nat
    Route().delete(place, made.physical_id, after)
    Route().delete(place, made.physical_id, after)
    assert targets() == []


def test_a_subnet_is_given_a_table_and_a_table_in_use_is_not_removed(
    aws: Client, place: Place, subnet: str, table: str
) -> None:
    made = SubnetRouteTableAssociation().create(place, {"SubnetId": subnet, "RouteTableId": table})

    (found,) = aws("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [each["SubnetId"] for each in found["Associations"]] == [subnet]
    assert made.attributes == {"Id": made.physical_id}
    with pytest.raises(ClientError, match="DependencyViolation"):
        RouteTable().delete(place, table, {})
    SubnetRouteTableAssociation().delete(place, made.physical_id, {})
    SubnetRouteTableAssociation().delete(place, made.physical_id, {})
    RouteTable().delete(place, table, {})
    RouteTable().delete(place, table, {})


def test_a_table_is_tagged_anew(aws: Client, place: Place, table: str) -> None:
    assert RouteTable().update(place, table, TAGS, {"Tags": tags(owner="me")}).attributes == {"RouteTableId": table}
    assert aws("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Tags"] == tags(owner="me")


def test_an_internet_gateway_is_attached_and_not_removed_while_it_is(
    aws: Client, place: Place, vpc: str, gateway: str
) -> None:
    ec2 = aws("ec2")
    properties = {"VpcId": vpc, "InternetGatewayId": gateway}

    made = VpcGatewayAttachment().create(place, properties)

    (found,) = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert (found["Attachments"][0]["VpcId"], found["Tags"]) == (vpc, TAGS["Tags"])
    assert (made.physical_id, made.attributes) == (f"IGW|{vpc}", {"AttachmentType": "IGW"})
    with pytest.raises(ClientError, match="DependencyViolation"):
        InternetGateway().delete(place, gateway, {})
    other = InternetGateway().create(place, {}).physical_id
    VpcGatewayAttachment().update(place, made.physical_id, properties, {"VpcId": vpc, "InternetGatewayId": other})
    assert ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]["Attachments"] == []
    VpcGatewayAttachment().delete(place, made.physical_id, {"VpcId": vpc, "InternetGatewayId": other})
    VpcGatewayAttachment().delete(place, made.physical_id, {"VpcId": vpc, "InternetGatewayId": other})
    for each in (gateway, gateway, other):
        InternetGateway().delete(place, each, {})
    assert ec2.describe_internet_gateways()["InternetGateways"] == []


def test_an_address_is_taken_tagged_and_given_back(aws: Client, place: Place) -> None:
    ec2 = aws("ec2")
    made = ElasticIp().create(place, {"Domain": "vpc", **TAGS})
    (found,) = ec2.describe_addresses(PublicIps=[made.physical_id])["Addresses"]
    assert made.attributes == {"AllocationId": found["AllocationId"], "PublicIp": made.physical_id}
    assert found["Tags"] == TAGS["Tags"]
    ElasticIp().update(place, made.physical_id, TAGS, {"Tags": tags(owner="me")})
    assert ec2.describe_addresses(PublicIps=[made.physical_id])["Addresses"][0]["Tags"] == tags(owner="me")
    ElasticIp().delete(place, made.physical_id, TAGS)
    ElasticIp().delete(place, made.physical_id, TAGS)
    assert ec2.describe_addresses()["Addresses"] == []


def test_an_address_outside_of_a_vpc_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match=r"^Domain is 'standard': addresses outside of a VPC exist no longer.$"):
        ElasticIp().create(place, {"Domain": "standard"})


def test_a_nat_gateway_is_made_tagged_and_removed(aws: Client, place: Place, subnet: str) -> None:
    ec2 = aws("ec2")
    address = ElasticIp().create(place, {}).attributes
    properties = {"SubnetId": subnet, "AllocationId": address["AllocationId"], **TAGS}

    made = NatGateway().create(place, properties)

    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[made.physical_id])["NatGateways"]
    assert (found["SubnetId"], found["State"], found["Tags"]) == (subnet, "available", TAGS["Tags"])
    assert found["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    assert made.attributes["EniId"] == found["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    NatGateway().update(place, made.physical_id, properties, {**properties, "Tags": tags(owner="me")})
    assert ec2.describe_nat_gateways(NatGatewayIds=[made.physical_id])["NatGateways"][0]["Tags"] == tags(owner="me")
    NatGateway().delete(place, made.physical_id, properties)
    assert ec2.describe_nat_gateways(NatGatewayIds=[made.physical_id])["NatGateways"][0]["State"] == "deleted"


def test_a_gateway_endpoint_is_made_changed_and_removed(
    aws: Client, place: Place, vpc: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(monkeypatch, ec2_endpoints)
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

    made = VpcEndpoint().create(place, before)

    def found() -> dict[str, Any]:
        (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made.physical_id])["VpcEndpoints"]
        return dict(endpoint)

    assert (found()["VpcId"], found()["ServiceName"]) == (vpc, "com.amazonaws.eu-west-1.s3")
    assert (found()["VpcEndpointType"], found()["RouteTableIds"]) == ("Gateway", [table])
    assert (json.loads(found()["PolicyDocument"]), found()["Tags"]) == (policy, TAGS["Tags"])
    other = RouteTable().create(place, {"VpcId": vpc}).physical_id
    after = {**before, "PolicyDocument": policy | {"Version": "2008-10-17"}, "RouteTableIds": [other], "Tags": []}
    VpcEndpoint().update(place, made.physical_id, before, after)
    assert json.loads(found()["PolicyDocument"])["Version"] == "2008-10-17"
    assert (found()["RouteTableIds"], found().get("Tags", [])) == ([other], [])
    VpcEndpoint().delete(place, made.physical_id, after)
    VpcEndpoint().delete(place, made.physical_id, after)


def test_an_interface_endpoint_is_made_and_changed(aws: Client, place: Place, vpc: str, subnet: str) -> None:
    groups = [
        SecurityGroup().create(place, {"GroupDescription": name, "VpcId": vpc}).physical_id for name in ("one", "two")
    ]
    before = {
        "VpcId": vpc,
        "ServiceName": "com.amazonaws.eu-west-1.kms",
        "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": "true",
        "SecurityGroupIds": groups[:1],
        "SubnetIds": [subnet],
    }

    made = VpcEndpoint().create(place, before)

    def found() -> dict[str, Any]:
        (endpoint,) = aws("ec2").describe_vpc_endpoints(VpcEndpointIds=[made.physical_id])["VpcEndpoints"]
        return dict(endpoint)

    assert (found()["SubnetIds"], found()["PrivateDnsEnabled"]) == ([subnet], True)
    assert [group["GroupId"] for group in found()["Groups"]] == groups[:1]
    assert made.attributes["NetworkInterfaceIds"] == found()["NetworkInterfaceIds"]
    assert made.physical_id in made.attributes["DnsEntries"][0]
    VpcEndpoint().update(place, made.physical_id, before, {**before, "SecurityGroupIds": groups[1:]})
    assert [group["GroupId"] for group in found()["Groups"]] == groups[1:]
