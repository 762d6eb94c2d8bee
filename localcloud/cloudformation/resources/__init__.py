"""The resource types that the local CloudFormation can make; a template with any other is refused by name."""

from collections.abc import Mapping

from localcloud.cloudformation.resource import ResourceType
from localcloud.cloudformation.resources import (
    budgets,
    ec2_network,
    ec2_security_groups,
    ecr,
    emr,
    iam,
    kms,
    s3,
    secrets,
    ssm,
)

_ALL: tuple[ResourceType, ...] = (
    s3.Bucket(),
    s3.BucketPolicy(),
    iam.User(),
    iam.AccessKey(),
    iam.Role(),
    iam.InstanceProfile(),
    iam.ManagedPolicy(),
    iam.Policy(),
    ec2_network.Vpc(),
    ec2_network.Subnet(),
    ec2_network.RouteTable(),
    ec2_network.Route(),
    ec2_network.SubnetRouteTableAssociation(),
    ec2_network.InternetGateway(),
    ec2_network.VpcGatewayAttachment(),
    ec2_network.ElasticIp(),
    ec2_network.NatGateway(),
    ec2_network.VpcEndpoint(),
    ec2_security_groups.SecurityGroup(),
    ec2_security_groups.SecurityGroupIngress(),
    ec2_security_groups.SecurityGroupEgress(),
    kms.Key(),
    kms.Alias(),
    secrets.Secret(),
    ssm.Parameter(),
    ecr.Repository(),
    emr.SecurityConfiguration(),
    emr.Cluster(),
    budgets.Budget(),
)

RESOURCE_TYPES: Mapping[str, ResourceType] = {each.name: each for each in _ALL}
"""Every modelled type by its name in a template."""
