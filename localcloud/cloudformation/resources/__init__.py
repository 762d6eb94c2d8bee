"""The modelled resource types; a template with any other is refused by name."""

from collections.abc import Mapping

from localcloud.cloudformation.resource import ResourceType
from localcloud.cloudformation.resources import (
    budgets,
    ec2_routes,
    ec2_security_groups,
    ec2_vpc,
    ecr,
    emr,
    events,
    iam,
    kms,
    s3,
    secrets,
    sns,
    ssm,
)

_ALL: tuple[ResourceType, ...] = (
    *(s3.Bucket(), s3.BucketPolicy()),
    *(iam.User(), iam.AccessKey(), iam.Role(), iam.InstanceProfile(), iam.ManagedPolicy(), iam.Policy()),
    *(ec2_vpc.Vpc(), ec2_vpc.Subnet(), ec2_vpc.VpcEndpoint()),
    *(ec2_routes.RouteTable(), ec2_routes.Route(), ec2_routes.SubnetRouteTableAssociation()),
    *(ec2_routes.InternetGateway(), ec2_routes.VpcGatewayAttachment(), ec2_routes.ElasticIp(), ec2_routes.NatGateway()),
    ec2_security_groups.SecurityGroup(),
    *(ec2_security_groups.SecurityGroupIngress(), ec2_security_groups.SecurityGroupEgress()),
    *(kms.Key(), kms.Alias(), secrets.Secret(), ssm.Parameter(), ecr.Repository()),
    *(emr.SecurityConfiguration(), emr.Cluster(), budgets.Budget()),
    *(sns.Topic(), sns.TopicPolicy(), sns.Subscription(), events.Rule()),
)

RESOURCE_TYPES: Mapping[str, ResourceType] = {each.name: each for each in _ALL}
"""Every modelled type by its name in a template."""
