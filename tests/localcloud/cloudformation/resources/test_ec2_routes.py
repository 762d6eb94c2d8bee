"""Route tables, gateways and addresses: created, updated and deleted, as EC2 describes them."""

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.ec2_routes import (
    ElasticIp,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    SubnetRouteTableAssociation,
    VpcGatewayAttachment,
)
from tests.localcloud.cloudformation.resources.conftest import TAGS, Client, tags

ANYWHERE = "0.0.0.0/0"


@pytest.fixture
def gateway(context: ResourceContext) -> str:
    return InternetGateway().create(context, TAGS).physical_id


def test_a_route_leads_to_a_gateway_and_then_to_another(
    aws: Client, context: ResourceContext, subnet: str, table: str, gateway: str
) -> None:
    ec2 = aws("ec2")
    address = ElasticIp().create(context, {"Domain": "vpc"}).attributes["AllocationId"]
    nat = NatGateway().create(context, {"SubnetId": subnet, "AllocationId": address}).physical_id
    before = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "GatewayId": gateway}
    after = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "NatGatewayId": nat}

    def targets() -> list[dict[str, str]]:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return [route for route in found["Routes"] if route.get("DestinationCidrBlock") == ANYWHERE]

    made = Route().create(context, before)

    assert (made.physical_id, made.attributes) == (f"{table}|{ANYWHERE}", {"CidrBlock": ANYWHERE})
    assert targets()[0]["GatewayId"] == gateway
    Route().update(context, made.physical_id, before, after)
    assert targets()[0]["NatGatewayId"] == nat
    Route().delete(context, made.physical_id, after)
    Route().delete(context, made.physical_id, after)
    assert targets() == []


def test_associates_a_subnet_and_keeps_a_route_table_in_use(
    aws: Client, context: ResourceContext, subnet: str, table: str
) -> None:
    made = SubnetRouteTableAssociation().create(context, {"SubnetId": subnet, "RouteTableId": table})

    (found,) = aws("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [each["SubnetId"] for each in found["Associations"]] == [subnet]
    assert made.attributes == {"Id": made.physical_id}
    with pytest.raises(ClientError, match="DependencyViolation"):
        RouteTable().delete(context, table, {})
    SubnetRouteTableAssociation().delete(context, made.physical_id, {})
    SubnetRouteTableAssociation().delete(context, made.physical_id, {})
    RouteTable().delete(context, table, {})
    RouteTable().delete(context, table, {})


def test_changes_tags_of_a_route_table(aws: Client, context: ResourceContext, table: str) -> None:
    assert RouteTable().update(context, table, TAGS, {"Tags": tags(owner="me")}).attributes == {"RouteTableId": table}
    assert aws("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Tags"] == tags(owner="me")


def test_does_not_delete_an_attached_internet_gateway(
    aws: Client, context: ResourceContext, vpc: str, gateway: str
) -> None:
    ec2 = aws("ec2")
    properties = {"VpcId": vpc, "InternetGatewayId": gateway}

    made = VpcGatewayAttachment().create(context, properties)

    (found,) = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert (found["Attachments"][0]["VpcId"], found["Tags"]) == (vpc, TAGS["Tags"])
    assert (made.physical_id, made.attributes) == (f"IGW|{vpc}", {"AttachmentType": "IGW"})
    with pytest.raises(ClientError, match="DependencyViolation"):
        InternetGateway().delete(context, gateway, {})
    other = InternetGateway().create(context, {}).physical_id
    VpcGatewayAttachment().update(context, made.physical_id, properties, {"VpcId": vpc, "InternetGatewayId": other})
    assert ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]["Attachments"] == []
    VpcGatewayAttachment().delete(context, made.physical_id, {"VpcId": vpc, "InternetGatewayId": other})
    VpcGatewayAttachment().delete(context, made.physical_id, {"VpcId": vpc, "InternetGatewayId": other})
    for each in (gateway, gateway, other):
        InternetGateway().delete(context, each, {})
    assert ec2.describe_internet_gateways()["InternetGateways"] == []


def test_an_address_is_allocated_tagged_and_released(aws: Client, context: ResourceContext) -> None:
    ec2 = aws("ec2")
    made = ElasticIp().create(context, {"Domain": "vpc", **TAGS})
    (found,) = ec2.describe_addresses(PublicIps=[made.physical_id])["Addresses"]
    assert made.attributes == {"AllocationId": found["AllocationId"], "PublicIp": made.physical_id}
    assert found["Tags"] == TAGS["Tags"]
    ElasticIp().update(context, made.physical_id, TAGS, {"Tags": tags(owner="me")})
    assert ec2.describe_addresses(PublicIps=[made.physical_id])["Addresses"][0]["Tags"] == tags(owner="me")
    ElasticIp().delete(context, made.physical_id, TAGS)
    ElasticIp().delete(context, made.physical_id, TAGS)
    assert ec2.describe_addresses()["Addresses"] == []


def test_a_nat_gateway_is_made_tagged_and_removed(aws: Client, context: ResourceContext, subnet: str) -> None:
    ec2 = aws("ec2")
    address = ElasticIp().create(context, {}).attributes
    properties = {"SubnetId": subnet, "AllocationId": address["AllocationId"], **TAGS}

    made = NatGateway().create(context, properties)

    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[made.physical_id])["NatGateways"]
    assert (found["SubnetId"], found["State"], found["Tags"]) == (subnet, "available", TAGS["Tags"])
    assert found["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    assert made.attributes["EniId"] == found["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    NatGateway().update(context, made.physical_id, properties, {**properties, "Tags": tags(owner="me")})
    assert ec2.describe_nat_gateways(NatGatewayIds=[made.physical_id])["NatGateways"][0]["Tags"] == tags(owner="me")
    NatGateway().delete(context, made.physical_id, properties)
    assert ec2.describe_nat_gateways(NatGatewayIds=[made.physical_id])["NatGateways"][0]["State"] == "deleted"


def test_an_address_outside_of_a_vpc_is_refused(context: ResourceContext) -> None:
    with pytest.raises(ValueError, match="'standard'"):
        ElasticIp().create(context, {"Domain": "standard"})
