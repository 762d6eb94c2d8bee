"""The table in docs/environment.md leaves no resource out."""

import re

import pytest

from infra.settings import NETWORKS
from tests.infra.synthesis import ROOT, Synthesise

DOCUMENT = ROOT / "docs" / "environment.md"

CALLED = {
    "AWS::Budgets::Budget": "| budget |",
    "AWS::EC2::EIP": "| NAT gateway |",
    "AWS::EC2::InternetGateway": "| internet gateway |",
    "AWS::EC2::NatGateway": "| NAT gateway |",
    "AWS::EC2::Route": "route tables |",
    "AWS::EC2::RouteTable": "route tables |",
    "AWS::EC2::SecurityGroup": "| security groups and their rules |",
    "AWS::EC2::SecurityGroupEgress": "| security groups and their rules |",
    "AWS::EC2::SecurityGroupIngress": "| security groups and their rules |",
    "AWS::EC2::Subnet": "subnets,",
    "AWS::EC2::SubnetRouteTableAssociation": "route tables |",
    "AWS::EC2::VPC": "| VPC,",
    "AWS::EC2::VPCEndpoint": "| S3 gateway endpoint |",
    "AWS::EC2::VPCGatewayAttachment": "| internet gateway |",
    "AWS::EMR::Cluster": "| cluster, 1 primary",
    "AWS::EMR::SecurityConfiguration": "| security configuration,",
    "AWS::Events::Rule": "| three EventBridge rules |",
    "AWS::IAM::AccessKey": "access key |",
    "AWS::IAM::InstanceProfile": "instance profile |",
    "AWS::IAM::ManagedPolicy": "| user, policy,",
    "AWS::IAM::Role": "| EMR's role |",
    "AWS::IAM::User": "| user, policy,",
    "AWS::KMS::Key": "disk key |",
    "AWS::Logs::LogGroup": "| log group |",
    "AWS::S3::Bucket": "| data bucket |",
    "AWS::S3::BucketPolicy": "| two bucket policies |",
    "AWS::SNS::Subscription": "| topic, subscription |",
    "AWS::SNS::Topic": "| topic, subscription |",
    "AWS::SNS::TopicPolicy": "| topic, subscription |",
    "AWS::SecretsManager::Secret": "| secret |",
}


@pytest.mark.parametrize("network", NETWORKS)
def test_every_resource_has_its_row(environment: Synthesise, network: str) -> None:
    document = DOCUMENT.read_text()
    switched_on = {"session_manager": True, "jupyterhub": True, "live_logs": True}
    made = environment(network=network, alert_email="owner@example.org", **switched_on)
    kinds = {found["Type"] for stack in made.stacks() for found in made.template(stack)["Resources"].values()}
    assert sorted(kind for kind in kinds if CALLED[kind] not in document) == []


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_diagram_names_every_stack(environment: Synthesise, page: str) -> None:
    diagram = (ROOT / page).read_text().split("```mermaid")[1].split("```")[0]

    stacks = environment(alert_email="you@example.org").stacks()
    assert set(re.findall(r"\b(Orchard\w+)\[", diagram)) == set(stacks)
