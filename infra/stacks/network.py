"""The network of a cluster: VPC, subnets, the way to S3, security groups with every rule that EMR needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.emr import MANAGED_POLICY_TAG
from infra.settings import SESSION_MANAGER_SERVICES, Settings
from infra.stacks.acknowledgements import acknowledge

ANYWHERE = "0.0.0.0/0"
_is_resource = cdk.CfnResource.is_cfn_resource
_UNSEEN = {
    f"AWS::EC2::{kind}"
    for kind in (
        "NatGateway",
        "Route",
        "SecurityGroupEgress",
        "SecurityGroupIngress",
        "SubnetRouteTableAssociation",
        "VPCEndpoint",
        "VPCGatewayAttachment",
    )
}
_SUBNET_TYPES = {
    "private": ec2.SubnetType.PRIVATE_ISOLATED,
    "private-nat": ec2.SubnetType.PRIVATE_WITH_EGRESS,
    "public": ec2.SubnetType.PUBLIC,
}


@dataclass(frozen=True)
class Rule:
    """Traffic from one security group to another, to be allowed where it leaves and where it arrives."""

    source: str  # names of security groups: ``primary``, ``worker``, ``service`` or ``endpoint``
    target: str
    protocol: str  # ``tcp``, ``udp`` or ``icmp``
    first_port: int  # ports at the target; -1 for ICMP, which has none
    last_port: int
    why: str


def group_rules(network: str, *, with_endpoints: bool) -> list[Rule]:
    """Return every rule between the groups of a cluster.

    EMR adds the inbound rules that it misses, and groups that refer to each other by rules that
    CloudFormation does not own cannot be deleted: so none may be missing here. Source: "Working with Amazon
    EMR-managed security groups" in the EMR Management Guide.

    Parameters
    ----------
    network
        Kind of network. In a private one EMR reaches the nodes through a network interface in the subnet.
    """
    nodes = ("primary", "worker")
    rules = [
        Rule(source, target, protocol, first, last, f"EMR: {source} to {target}")
        for source in nodes
        for target in nodes
        for protocol, first, last in (("icmp", -1, -1), ("tcp", 0, 65535), ("udp", 0, 65535))
    ]
    if network != "public":
        rules += [Rule("service", node, "tcp", 8443, 8443, "EMR cluster manager to its agent") for node in nodes]
        rules += [Rule(node, "service", "tcp", 9443, 9443, "EMR agent to the cluster manager") for node in nodes]
    if with_endpoints:
        rules += [Rule(node, "endpoint", "tcp", 443, 443, "AWS services by private endpoint") for node in nodes]
    return rules


def s3_endpoint_statements(region: str, own_objects: Sequence[str], own_buckets: Sequence[str]) -> list[dict[str, Any]]:
    """Return the policy of the way to S3 where it is the only way out: what is not named stays inside.

    Notes
    -----
    The buckets of Amazon Linux and EMR are those of "Sample policies for private subnets that access Amazon
    S3" in the EMR Management Guide.
    """
    written = [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ]
    packages = [f"arn:aws:s3:::al2023-repos-{region}-de612dc2/*", f"arn:aws:s3:::repo.{region}.emr.amazonaws.com/*"]
    history = ["s3:Put*", "s3:Get*", "s3:Create*", "s3:Abort*", "s3:List*"]
    return [
        _allow("OwnObjects", written, list(own_objects)),
        _allow("OwnBuckets", ["s3:GetBucketLocation", "s3:ListBucket"], list(own_buckets)),
        _allow("AmazonLinuxAndEmrPackages", "s3:GetObject", packages),
        _allow("EmrLogs", "s3:PutObject", f"arn:aws:s3:::{emr_logs_bucket(region)}/*"),
        _allow("SparkHistory", history, f"arn:aws:s3:::prod.{region}.appinfo.src/*"),
    ]


def emr_logs_bucket(region: str) -> str:
    """Return the name of the bucket that receives EMR's own logs; in us-east-1 it has no region in its name."""
    return "aws157-logs-prod" if region == "us-east-1" else f"aws157-logs-prod-{region}"


def own_account(service: str, account: str) -> dict[str, Any]:
    """Return the policy of an interface endpoint: principals of this account, on resources of this account.

    Session Manager's services also use resources of AWS, so they are limited by the principal alone.
    """
    keys = ["aws:PrincipalAccount", *([] if service in SESSION_MANAGER_SERVICES else ["aws:ResourceAccount"])]
    condition = {"StringEquals": dict.fromkeys(keys, account)}
    return _allow("OwnAccount", "*", "*") | {"Condition": condition}


def _allow(name: str, actions: str | list[str], resources: str | list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resources}


class Network(Construct):
    """VPC in two zones, of which EMR chooses the one with capacity, and the cluster's security groups.

    In an existing VPC only security groups are created.

    Attributes
    ----------
    groups
        Security groups by name: ``primary`` and ``worker``; ``service`` where the network is not public; ``endpoint``
        where services have private endpoints.
    s3_endpoint
        Gateway endpoint of S3; None in an existing VPC.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._kind = settings.network
        self.s3_endpoint: ec2.GatewayVpcEndpoint | None = None
        if settings.vpc_id:
            self.vpc: ec2.IVpc = ec2.Vpc.from_vpc_attributes(
                # Only a look-up would know the zones, and nothing here depends on them.
                self,
                "Vpc",
                vpc_id=settings.vpc_id,
                availability_zones=["unknown"],
            )
            self.subnet_ids = list(settings.subnet_ids)
        else:
            self.vpc = self._make_vpc()
            subnets = self.vpc.select_subnets(subnet_type=_SUBNET_TYPES[self._kind]).subnets
            for subnet in subnets:
                cdk.Tags.of(subnet).add(MANAGED_POLICY_TAG, "true")
            self.subnet_ids = [subnet.subnet_id for subnet in subnets]
            self.s3_endpoint = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        services = settings.endpoint_services
        self.groups = self._make_groups(with_endpoints=bool(services))
        self._make_rules(group_rules(self._kind, with_endpoints=bool(services)))
        for service in services:
            endpoint = self.vpc.add_interface_endpoint(
                service,
                service=ec2.InterfaceVpcEndpointAwsService(service),
                # One zone is enough, and half the price; the other zone reaches it too.
                subnets=ec2.SubnetSelection(subnets=subnets[:1]),
                security_groups=[self.groups["endpoint"]],
                open=False,
            )
            statement = own_account(service, cdk.Aws.ACCOUNT_ID)
            endpoint.add_to_policy(cdk.aws_iam.PolicyStatement.from_json(statement))

    def limit_s3(self, statements: Sequence[dict[str, Any]]) -> None:
        """Allow through the S3 endpoint only what the statements name."""
        if self.s3_endpoint is None:
            return
        for statement in statements:
            self.s3_endpoint.add_to_policy(cdk.aws_iam.PolicyStatement.from_json(statement))

    def unseen_parts(self) -> list[cdk.CfnResource]:
        """Return what a cluster needs as long as it runs, although none of its properties refers to it."""
        parts = [cast(cdk.CfnResource, node) for node in self.node.find_all() if _is_resource(node)]
        return [part for part in parts if part.cfn_resource_type in _UNSEEN]

    def _make_vpc(self) -> ec2.Vpc:
        subnets = [ec2.SubnetConfiguration(name="nodes", subnet_type=_SUBNET_TYPES[self._kind], cidr_mask=20)]
        if self._kind == "private-nat":
            subnets.append(ec2.SubnetConfiguration(name="nat", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=28))
        vpc = ec2.Vpc(
            self,
            "Vpc",
            # Two zones without asking which: the template then serves any account.
            max_azs=2,
            nat_gateways=1 if self._kind == "private-nat" else 0,
            subnet_configuration=subnets,
            # Emptying the default group takes a Lambda function; nothing is ever put into that group.
            restrict_default_security_group=False,
        )
        acknowledge(
            vpc,
            {
                "VPC7": "The network lives as long as a cluster, nothing can come in from outside, and the "
                "access log of the data bucket says who read what."
            },
        )
        return vpc

    def _make_groups(self, *, with_endpoints: bool) -> dict[str, ec2.SecurityGroup]:
        names = {"primary": "Primary node", "worker": "Core and task nodes"}
        if self._kind != "public":
            names["service"] = "EMR cluster manager"
        if with_endpoints:
            names["endpoint"] = "Private endpoints of AWS services"
        groups = {
            name: ec2.SecurityGroup(
                self, f"{name.capitalize()}Group", vpc=self.vpc, description=text, allow_all_outbound=False
            )
            for name, text in names.items()
        }
        for name, group in groups.items():
            if name != "endpoint":
                cdk.Tags.of(group).add(MANAGED_POLICY_TAG, "true")
        return groups

    def _make_rules(self, rules: Sequence[Rule]) -> None:
        for rule in rules:
            name = f"{rule.source}-{rule.target}-{rule.protocol}-{rule.last_port}"
            source = self.groups[rule.source].security_group_id
            target = self.groups[rule.target].security_group_id
            traffic: dict[str, Any] = {
                "ip_protocol": rule.protocol,
                "from_port": rule.first_port,
                "to_port": rule.last_port,
                "description": rule.why,
            }
            ec2.CfnSecurityGroupEgress(
                self, f"{name}-out", group_id=source, destination_security_group_id=target, **traffic
            )
            ec2.CfnSecurityGroupIngress(self, f"{name}-in", group_id=target, source_security_group_id=source, **traffic)
        for name in ("primary", "worker"):
            ec2.CfnSecurityGroupEgress(
                self,
                f"{name}-https-out",
                group_id=self.groups[name].security_group_id,
                cidr_ip=ANYWHERE,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                # S3 has changing addresses; the route table decides what of this can be reached.
                description="S3 and other AWS services",
            )
