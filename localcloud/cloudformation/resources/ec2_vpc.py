"""EC2: VPCs, subnets and endpoints of AWS services."""

from typing import Any

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, document, passing_over, truth, undone_on_failure
from localcloud.cloudformation.tags import tag_changes, tag_list


class Vpc:
    """A VPC."""

    name = "AWS::EC2::VPC"
    properties = frozenset({"CidrBlock", "EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags"})
    # AWS can change the tenancy from dedicated to default in place, but not back.
    replacing = frozenset({"CidrBlock", "InstanceTenancy"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        vpc = call(
            client,
            "CreateVpc",
            CidrBlock=properties["CidrBlock"],
            InstanceTenancy=properties.get("InstanceTenancy"),
            TagSpecifications=tag_specifications("vpc", properties),
        )["Vpc"]["VpcId"]
        with undone_on_failure(lambda: client.delete_vpc(VpcId=vpc)):
            self._set_attributes(client, vpc, properties)
        return self._created(client, vpc)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("ec2")
        self._set_attributes(client, physical_id, after)
        change_tags(client, physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidVpcID.NotFound"):
            context.client("ec2").delete_vpc(VpcId=physical_id)

    def _set_attributes(self, client: Client, vpc: str, properties: Properties) -> None:
        support, names = properties.get("EnableDnsSupport", True), properties.get("EnableDnsHostnames", False)
        client.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": truth(support)})
        client.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": truth(names)})

    def _created(self, client: Client, vpc: str) -> Created:
        (found,) = client.describe_vpcs(VpcIds=[vpc])["Vpcs"]
        own = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        (group,) = client.describe_security_groups(Filters=own)["SecurityGroups"]
        default = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
        (network_acl,) = client.describe_network_acls(Filters=default)["NetworkAcls"]
        return Created(
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
    """A subnet."""

    name = "AWS::EC2::Subnet"
    properties = frozenset({"VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch", "Tags"})
    replacing = frozenset({"VpcId", "CidrBlock", "AvailabilityZone"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        subnet = call(
            client,
            "CreateSubnet",
            VpcId=properties["VpcId"],
            CidrBlock=properties["CidrBlock"],
            AvailabilityZone=properties.get("AvailabilityZone"),
            TagSpecifications=tag_specifications("subnet", properties),
        )["Subnet"]["SubnetId"]
        with undone_on_failure(lambda: client.delete_subnet(SubnetId=subnet)):
            self._set_public_addresses(client, subnet, properties)
        return self._created(client, subnet)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("ec2")
        self._set_public_addresses(client, physical_id, after)
        change_tags(client, physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidSubnetID.NotFound"):
            context.client("ec2").delete_subnet(SubnetId=physical_id)

    def _set_public_addresses(self, client: Client, subnet: str, properties: Properties) -> None:
        public = truth(properties.get("MapPublicIpOnLaunch", False))
        client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public})

    def _created(self, client: Client, subnet: str) -> Created:
        (found,) = client.describe_subnets(SubnetIds=[subnet])["Subnets"]
        own = [{"Name": "association.subnet-id", "Values": [subnet]}]
        associations = [
            association["NetworkAclAssociationId"]
            for network_acl in client.describe_network_acls(Filters=own)["NetworkAcls"]
            for association in network_acl["Associations"]
            if association["SubnetId"] == subnet
        ]
        return Created(
            subnet,
            {
                **{name: found[name] for name in ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone")},
                "NetworkAclAssociationId": associations[0],
                "Ipv6CidrBlocks": [],
            },
        )


class VpcEndpoint:
    """An endpoint of an AWS service in a VPC."""

    name = "AWS::EC2::VPCEndpoint"
    properties = frozenset(
        {
            *("VpcId", "ServiceName", "VpcEndpointType", "PolicyDocument", "PrivateDnsEnabled"),
            *("RouteTableIds", "SecurityGroupIds", "SubnetIds", "Tags"),
        }
    )
    replacing = frozenset({"VpcId", "ServiceName", "VpcEndpointType"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ec2")
        policy = properties.get("PolicyDocument")
        given = {name: value for name, value in properties.items() if name not in ("PolicyDocument", "Tags")}
        endpoint = call(
            client,
            "CreateVpcEndpoint",
            **{"VpcEndpointType": "Gateway", **given},
            PolicyDocument=document(policy) if policy else None,
            TagSpecifications=tag_specifications("vpc-endpoint", properties),
        )["VpcEndpoint"]["VpcEndpointId"]
        return self._created(client, endpoint)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("ec2")
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
        call(client, "ModifyVpcEndpoint", **given)
        change_tags(client, physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidVpcEndpointId.NotFound"):
            context.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[physical_id])

    def _created(self, client: Client, endpoint: str) -> Created:
        (found,) = client.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
        entries = [f"{each['HostedZoneId']}:{each['DnsName']}" for each in found.get("DnsEntries", [])]
        return Created(
            endpoint,
            {
                "Id": endpoint,
                "CreationTimestamp": found["CreationTimestamp"].isoformat(),
                "DnsEntries": entries,
                "NetworkInterfaceIds": found.get("NetworkInterfaceIds", []),
            },
        )


def tag_specifications(kind: str, properties: Properties) -> list[dict[str, Any]]:
    """Return the tags as EC2 takes them when it creates a resource of this type."""
    tags = tag_list(properties)
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def change_tags(client: Client, resource: str, before: Properties, after: Properties) -> None:
    """Change the tags of an EC2 resource."""
    gone, new = tag_changes(before, after)
    if gone:
        client.delete_tags(Resources=[resource], Tags=[{"Key": key} for key in gone])
    if new:
        client.create_tags(Resources=[resource], Tags=new)
