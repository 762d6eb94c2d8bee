"""EC2: the network - VPC, subnets, routes, gateways and endpoints."""

from typing import Any

from localcloud.cloudformation.resource import Made, Place, Properties
from localcloud.cloudformation.resources.requests import document, passing_over, request, truth
from localcloud.cloudformation.resources.tagging import tag_changes, tag_list
from localcloud.cloudformation.resources.undoing import undone_on_failure

_ROUTE_TARGETS = ("GatewayId", "NatGatewayId")


class Vpc:
    """A virtual network."""

    name = "AWS::EC2::VPC"
    properties = frozenset({"CidrBlock", "EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags"})
    # AWS can change the tenancy from dedicated to default in place, but not back.
    replacing = frozenset({"CidrBlock", "InstanceTenancy"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the network."""
        client = place.client("ec2")
        parameters = request(
            client,
            "CreateVpc",
            CidrBlock=properties["CidrBlock"],
            InstanceTenancy=properties.get("InstanceTenancy"),
            TagSpecifications=tag_specifications("vpc", properties),
        )
        vpc = client.create_vpc(**parameters)["Vpc"]["VpcId"]
        with undone_on_failure(lambda: client.delete_vpc(VpcId=vpc)):
            self._set_attributes(client, vpc, properties)
        return self._made(client, vpc)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change names in DNS and tags."""
        client = place.client("ec2")
        self._set_attributes(client, physical_id, after)
        change_tags(client, physical_id, before, after)
        return self._made(client, physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the network, which must be empty."""
        with passing_over("InvalidVpcID.NotFound"):
            place.client("ec2").delete_vpc(VpcId=physical_id)

    def _set_attributes(self, client: Any, vpc: str, properties: Properties) -> None:  # noqa: ANN401 - boto3 client
        support, names = properties.get("EnableDnsSupport", True), properties.get("EnableDnsHostnames", False)
        client.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": truth(support)})
        client.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": truth(names)})

    def _made(self, client: Any, vpc: str) -> Made:  # noqa: ANN401 - boto3 client
        (found,) = client.describe_vpcs(VpcIds=[vpc])["Vpcs"]
        own = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        (group,) = client.describe_security_groups(Filters=own)["SecurityGroups"]
        default = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
        (network_acl,) = client.describe_network_acls(Filters=default)["NetworkAcls"]
        return Made(
            vpc,
            {
                "VpcId": vpc,
                "CidrBlock": found["CidrBlock"],
                "CidrBlockAssociations": [each["AssociationId"] for each in found["CidrBlockAssociationSet"]],
                "DefaultSecurityGroup": group["GroupId"],
                "DefaultNetworkAcl": network_acl["NetworkAclId"],
                "Ipv6CidrBlocks": [],
            },
        )


class Subnet:
    """A part of a network, in one zone."""

    name = "AWS::EC2::Subnet"
    properties = frozenset({"VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch", "Tags"})
    replacing = frozenset({"VpcId", "CidrBlock", "AvailabilityZone"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the subnet."""
        client = place.client("ec2")
        parameters = request(
            client,
            "CreateSubnet",
            VpcId=properties["VpcId"],
            CidrBlock=properties["CidrBlock"],
            AvailabilityZone=properties.get("AvailabilityZone"),
            TagSpecifications=tag_specifications("subnet", properties),
        )
        subnet = client.create_subnet(**parameters)["Subnet"]["SubnetId"]
        with undone_on_failure(lambda: client.delete_subnet(SubnetId=subnet)):
            self._set_public_addresses(client, subnet, properties)
        return self._made(client, subnet)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change whether machines get public addresses, and the tags."""
        client = place.client("ec2")
        self._set_public_addresses(client, physical_id, after)
        change_tags(client, physical_id, before, after)
        return self._made(client, physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the subnet, which nothing may use any more."""
        with passing_over("InvalidSubnetID.NotFound"):
            place.client("ec2").delete_subnet(SubnetId=physical_id)

    def _set_public_addresses(self, client: Any, subnet: str, properties: Properties) -> None:  # noqa: ANN401 - boto3 client
        public = truth(properties.get("MapPublicIpOnLaunch", False))
        client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public})

    def _made(self, client: Any, subnet: str) -> Made:  # noqa: ANN401 - boto3 client
        (found,) = client.describe_subnets(SubnetIds=[subnet])["Subnets"]
        own = [{"Name": "association.subnet-id", "Values": [subnet]}]
        associations = [
            association["NetworkAclAssociationId"]
            for network_acl in client.describe_network_acls(Filters=own)["NetworkAcls"]
            for association in network_acl["Associations"]
            if association["SubnetId"] == subnet
        ]
        return Made(
            subnet,
            {
                **{name: found[name] for name in ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone")},
                "NetworkAclAssociationId": associations[0],
                "Ipv6CidrBlocks": [],
            },
        )


class RouteTable:
    """Where a subnet's traffic goes."""

    name = "AWS::EC2::RouteTable"
    properties = frozenset({"VpcId", "Tags"})
    replacing = frozenset({"VpcId"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the table."""
        client = place.client("ec2")
        tags = tag_specifications("route-table", properties)
        table = client.create_route_table(VpcId=properties["VpcId"], TagSpecifications=tags)
        return self._made(table["RouteTable"]["RouteTableId"])

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change the tags."""
        change_tags(place.client("ec2"), physical_id, before, after)
        return self._made(physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the table, which no subnet may use any more."""
        with passing_over("InvalidRouteTableID.NotFound"):
            place.client("ec2").delete_route_table(RouteTableId=physical_id)

    def _made(self, table: str) -> Made:
        return Made(table, {"RouteTableId": table})


class Route:
    """One way out of a network."""

    name = "AWS::EC2::Route"
    properties = frozenset({"RouteTableId", "DestinationCidrBlock", *_ROUTE_TARGETS})
    replacing = frozenset({"RouteTableId", "DestinationCidrBlock"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the route."""
        client = place.client("ec2")
        client.create_route(**request(client, "CreateRoute", **properties))
        return self._made(properties)

    def update(self, place: Place, _physical_id: str, _before: Properties, after: Properties) -> Made:
        """Lead it elsewhere."""
        client = place.client("ec2")
        client.replace_route(**request(client, "ReplaceRoute", **after))
        return self._made(after)

    def delete(self, place: Place, _physical_id: str, properties: Properties) -> None:
        """Remove the route."""
        with passing_over("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"):
            place.client("ec2").delete_route(
                RouteTableId=properties["RouteTableId"], DestinationCidrBlock=properties["DestinationCidrBlock"]
            )

    def _made(self, properties: Properties) -> Made:
        destination = properties["DestinationCidrBlock"]
        return Made(f"{properties['RouteTableId']}|{destination}", {"CidrBlock": destination})


class SubnetRouteTableAssociation:
    """Which table a subnet goes by."""

    name = "AWS::EC2::SubnetRouteTableAssociation"
    properties = frozenset({"RouteTableId", "SubnetId"})
    replacing = frozenset({"RouteTableId", "SubnetId"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Give the subnet the table."""
        client = place.client("ec2")
        association = client.associate_route_table(**properties)["AssociationId"]
        return Made(association, {"Id": association})

    def update(self, _place: Place, physical_id: str, _before: Properties, _after: Properties) -> Made:
        """Leave it: every property makes a new one."""
        return Made(physical_id, {"Id": physical_id})

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Take the table from the subnet."""
        with passing_over("InvalidAssociationID.NotFound"):
            place.client("ec2").disassociate_route_table(AssociationId=physical_id)


class InternetGateway:
    """A network's door to the internet."""

    name = "AWS::EC2::InternetGateway"
    properties = frozenset({"Tags"})
    replacing: frozenset[str] = frozenset()

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the gateway."""
        tags = tag_specifications("internet-gateway", properties)
        made = place.client("ec2").create_internet_gateway(TagSpecifications=tags)
        return self._made(made["InternetGateway"]["InternetGatewayId"])

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change the tags."""
        change_tags(place.client("ec2"), physical_id, before, after)
        return self._made(physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the gateway, which must not be attached any more."""
        with passing_over("InvalidInternetGatewayID.NotFound"):
            place.client("ec2").delete_internet_gateway(InternetGatewayId=physical_id)

    def _made(self, gateway: str) -> Made:
        return Made(gateway, {"InternetGatewayId": gateway})


class VpcGatewayAttachment:
    """The internet gateway of a network."""

    name = "AWS::EC2::VPCGatewayAttachment"
    properties = frozenset({"InternetGatewayId", "VpcId"})
    replacing = frozenset({"VpcId"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Attach the gateway."""
        place.client("ec2").attach_internet_gateway(**properties)
        return self._made(properties)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Attach another gateway instead."""
        if before != after:
            self.delete(place, physical_id, before)
            self.create(place, after)
        return self._made(after)

    def delete(self, place: Place, _physical_id: str, properties: Properties) -> None:
        """Detach the gateway."""
        with passing_over("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"):
            place.client("ec2").detach_internet_gateway(**properties)

    def _made(self, properties: Properties) -> Made:
        return Made(f"IGW|{properties['VpcId']}", {"AttachmentType": "IGW"})


class ElasticIp:
    """A public address."""

    name = "AWS::EC2::EIP"
    properties = frozenset({"Domain", "Tags"})
    replacing: frozenset[str] = frozenset()

    def create(self, place: Place, properties: Properties) -> Made:
        """Take an address."""
        self._refuse_other_domains(properties)
        tags = tag_specifications("elastic-ip", properties)
        address = place.client("ec2").allocate_address(Domain="vpc", TagSpecifications=tags)
        return self._made(address)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change the tags."""
        self._refuse_other_domains(after)
        client = place.client("ec2")
        (address,) = client.describe_addresses(PublicIps=[physical_id])["Addresses"]
        change_tags(client, address["AllocationId"], before, after)
        return self._made(address)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Give the address back; nothing may use it any more."""
        client = place.client("ec2")
        with passing_over("InvalidAddress.NotFound", "InvalidAllocationID.NotFound"):
            (address,) = client.describe_addresses(PublicIps=[physical_id])["Addresses"]
            client.release_address(AllocationId=address["AllocationId"])

    def _refuse_other_domains(self, properties: Properties) -> None:
        if properties.get("Domain", "vpc") != "vpc":
            raise ValueError(f"Domain is {properties['Domain']!r}: addresses outside of a VPC exist no longer.")

    def _made(self, address: dict[str, Any]) -> Made:
        return Made(address["PublicIp"], {name: address[name] for name in ("AllocationId", "PublicIp")})


class NatGateway:
    """The way to the internet for machines without public addresses."""

    name = "AWS::EC2::NatGateway"
    properties = frozenset({"AllocationId", "ConnectivityType", "SubnetId", "Tags"})
    replacing = frozenset({"AllocationId", "ConnectivityType", "SubnetId"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the gateway, and wait for it."""
        client = place.client("ec2")
        parameters = request(
            client,
            "CreateNatGateway",
            **{name: value for name, value in properties.items() if name != "Tags"},
            TagSpecifications=tag_specifications("natgateway", properties),
        )
        gateway = client.create_nat_gateway(**parameters)["NatGateway"]["NatGatewayId"]
        return self._made(client, gateway)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change the tags."""
        client = place.client("ec2")
        change_tags(client, physical_id, before, after)
        return self._made(client, physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the gateway; EC2 lists it as deleted for a while."""
        with passing_over("NatGatewayNotFound"):
            place.client("ec2").delete_nat_gateway(NatGatewayId=physical_id)

    def _made(self, client: Any, gateway: str) -> Made:  # noqa: ANN401 - boto3 client
        (found,) = client.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        interface = found["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        return Made(gateway, {"NatGatewayId": gateway, "EniId": interface})


class VpcEndpoint:
    """A private way to a service of AWS."""

    name = "AWS::EC2::VPCEndpoint"
    properties = frozenset(
        {
            *("VpcId", "ServiceName", "VpcEndpointType", "PolicyDocument", "PrivateDnsEnabled"),
            *("RouteTableIds", "SecurityGroupIds", "SubnetIds", "Tags"),
        }
    )
    replacing = frozenset({"VpcId", "ServiceName", "VpcEndpointType"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the endpoint."""
        client = place.client("ec2")
        policy = properties.get("PolicyDocument")
        parameters = request(
            client,
            "CreateVpcEndpoint",
            **{name: value for name, value in properties.items() if name not in ("PolicyDocument", "Tags")},
            PolicyDocument=document(policy) if policy else None,
            TagSpecifications=tag_specifications("vpc-endpoint", properties),
        )
        parameters.setdefault("VpcEndpointType", "Gateway")
        endpoint = client.create_vpc_endpoint(**parameters)["VpcEndpoint"]["VpcEndpointId"]
        return self._made(client, endpoint)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change policy, names in DNS, tags, and to what the endpoint belongs."""
        client = place.client("ec2")
        given: dict[str, Any] = {"VpcEndpointId": physical_id}
        if before.get("PolicyDocument") != after.get("PolicyDocument"):
            policy = after.get("PolicyDocument")
            given |= {"PolicyDocument": document(policy)} if policy else {"ResetPolicy": True}
        if before.get("PrivateDnsEnabled") != after.get("PrivateDnsEnabled"):
            given["PrivateDnsEnabled"] = after.get("PrivateDnsEnabled", False)
        for name in ("RouteTableIds", "SubnetIds", "SecurityGroupIds"):
            old, new = before.get(name, []), after.get(name, [])
            given[f"Add{name}"] = [each for each in new if each not in old] or None
            given[f"Remove{name}"] = [each for each in old if each not in new] or None
        client.modify_vpc_endpoint(**request(client, "ModifyVpcEndpoint", **given))
        change_tags(client, physical_id, before, after)
        return self._made(client, physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the endpoint."""
        with passing_over("InvalidVpcEndpointId.NotFound"):
            place.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[physical_id])

    def _made(self, client: Any, endpoint: str) -> Made:  # noqa: ANN401 - boto3 client
        (found,) = client.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
        entries = [f"{each['HostedZoneId']}:{each['DnsName']}" for each in found.get("DnsEntries", [])]
        return Made(
            endpoint,
            {
                "Id": endpoint,
                "CreationTimestamp": found["CreationTimestamp"].isoformat(),
                "DnsEntries": entries,
                "NetworkInterfaceIds": found.get("NetworkInterfaceIds", []),
            },
        )


def tag_specifications(kind: str, properties: Properties) -> list[dict[str, Any]]:
    """Return the tags as EC2 takes them with the making of a thing, which it calls by a kind."""
    tags = tag_list(properties)
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def change_tags(client: Any, resource: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 - boto3 client
    """Have a thing of EC2 tagged as after, which was tagged as before."""
    gone, new = tag_changes(before, after)
    if gone:
        client.delete_tags(Resources=[resource], Tags=[{"Key": key} for key in gone])
    if new:
        client.create_tags(Resources=[resource], Tags=new)
