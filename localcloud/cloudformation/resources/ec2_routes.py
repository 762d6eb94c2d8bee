"""EC2: route tables, and the gateways and addresses that routes lead to."""

from typing import Any

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.ec2_vpc import change_tags, tag_specifications
from localcloud.cloudformation.resources.requests import call, passing_over

_ROUTE_TARGETS = ("GatewayId", "NatGatewayId")


class RouteTable:
    """A route table of a network."""

    name = "AWS::EC2::RouteTable"
    properties = frozenset({"VpcId", "Tags"})
    replacing = frozenset({"VpcId"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        tags = tag_specifications("route-table", properties)
        table = client.create_route_table(VpcId=properties["VpcId"], TagSpecifications=tags)
        return self._created(table["RouteTable"]["RouteTableId"])

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        change_tags(context.client("ec2"), physical_id, before, after)
        return self._created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidRouteTableID.NotFound"):
            context.client("ec2").delete_route_table(RouteTableId=physical_id)

    def _created(self, table: str) -> Created:
        return Created(table, {"RouteTableId": table})


class Route:
    """A route of a route table."""

    name = "AWS::EC2::Route"
    properties = frozenset({"RouteTableId", "DestinationCidrBlock", *_ROUTE_TARGETS})
    replacing = frozenset({"RouteTableId", "DestinationCidrBlock"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        call(client, "CreateRoute", **properties)
        return self._created(properties)

    def update(self, context: ResourceContext, _physical_id: str, _before: Properties, after: Properties) -> Created:
        client = context.client("ec2")
        call(client, "ReplaceRoute", **after)
        return self._created(after)

    def delete(self, context: ResourceContext, _physical_id: str, properties: Properties) -> None:
        with passing_over("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"):
            context.client("ec2").delete_route(
                RouteTableId=properties["RouteTableId"], DestinationCidrBlock=properties["DestinationCidrBlock"]
            )

    def _created(self, properties: Properties) -> Created:
        destination = properties["DestinationCidrBlock"]
        return Created(f"{properties['RouteTableId']}|{destination}", {"CidrBlock": destination})


class SubnetRouteTableAssociation:
    """The route table of a subnet."""

    name = "AWS::EC2::SubnetRouteTableAssociation"
    properties = frozenset({"RouteTableId", "SubnetId"})
    replacing = frozenset({"RouteTableId", "SubnetId"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        association = client.associate_route_table(**properties)["AssociationId"]
        return Created(association, {"Id": association})

    def update(self, _context: ResourceContext, physical_id: str, _before: Properties, _after: Properties) -> Created:
        return Created(physical_id, {"Id": physical_id})

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidAssociationID.NotFound"):
            context.client("ec2").disassociate_route_table(AssociationId=physical_id)


class InternetGateway:
    """A gateway to the internet."""

    name = "AWS::EC2::InternetGateway"
    properties = frozenset({"Tags"})
    replacing: frozenset[str] = frozenset()

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        tags = tag_specifications("internet-gateway", properties)
        made = context.client("ec2").create_internet_gateway(TagSpecifications=tags)
        return self._created(made["InternetGateway"]["InternetGatewayId"])

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        change_tags(context.client("ec2"), physical_id, before, after)
        return self._created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidInternetGatewayID.NotFound"):
            context.client("ec2").delete_internet_gateway(InternetGatewayId=physical_id)

    def _created(self, gateway: str) -> Created:
        return Created(gateway, {"InternetGatewayId": gateway})


class VpcGatewayAttachment:
    """The internet gateway of a network."""

    name = "AWS::EC2::VPCGatewayAttachment"
    properties = frozenset({"InternetGatewayId", "VpcId"})
    replacing = frozenset({"VpcId"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        context.client("ec2").attach_internet_gateway(**properties)
        return self._created(properties)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        if before != after:
            self.delete(context, physical_id, before)
            self.create(context, after)
        return self._created(after)

    def delete(self, context: ResourceContext, _physical_id: str, properties: Properties) -> None:
        with passing_over("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"):
            context.client("ec2").detach_internet_gateway(**properties)

    def _created(self, properties: Properties) -> Created:
        return Created(f"IGW|{properties['VpcId']}", {"AttachmentType": "IGW"})


class ElasticIp:
    """A public address."""

    name = "AWS::EC2::EIP"
    properties = frozenset({"Domain", "Tags"})
    replacing: frozenset[str] = frozenset()

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        self._refuse_other_domains(properties)
        tags = tag_specifications("elastic-ip", properties)
        address = context.client("ec2").allocate_address(Domain="vpc", TagSpecifications=tags)
        return self._created(address)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        self._refuse_other_domains(after)
        client = context.client("ec2")
        (address,) = client.describe_addresses(PublicIps=[physical_id])["Addresses"]
        change_tags(client, address["AllocationId"], before, after)
        return self._created(address)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        client = context.client("ec2")
        with passing_over("InvalidAddress.NotFound", "InvalidAllocationID.NotFound"):
            (address,) = client.describe_addresses(PublicIps=[physical_id])["Addresses"]
            client.release_address(AllocationId=address["AllocationId"])

    def _refuse_other_domains(self, properties: Properties) -> None:
        if properties.get("Domain", "vpc") != "vpc":
            raise ValueError(f"Domain must be 'vpc', got {properties['Domain']!r}.")

    def _created(self, address: dict[str, Any]) -> Created:
        return Created(address["PublicIp"], {name: address[name] for name in ("AllocationId", "PublicIp")})


class NatGateway:
    """A gateway to the internet for machines without public addresses."""

    name = "AWS::EC2::NatGateway"
    properties = frozenset({"AllocationId", "ConnectivityType", "SubnetId", "Tags"})
    replacing = frozenset({"AllocationId", "ConnectivityType", "SubnetId"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        gateway = call(
            client,
            "CreateNatGateway",
            **{name: value for name, value in properties.items() if name != "Tags"},
            TagSpecifications=tag_specifications("natgateway", properties),
        )["NatGateway"]["NatGatewayId"]
        return self._created(client, gateway)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("ec2")
        change_tags(client, physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        """Delete the gateway; EC2 lists it as deleted for a while."""
        with passing_over("NatGatewayNotFound"):
            context.client("ec2").delete_nat_gateway(NatGatewayId=physical_id)

    def _created(self, client: Client, gateway: str) -> Created:
        (found,) = client.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        interface = found["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        return Created(gateway, {"NatGatewayId": gateway, "EniId": interface})
