"""A fresh account for each test: moto in this process, with nothing in it and nothing left after it."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.ec2_routes import RouteTable
from localcloud.cloudformation.resources.ec2_vpc import Subnet, Vpc

ACCOUNT = "123456789012"
REGION = "eu-west-1"
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    # Many megabytes of JSON: machine images, which nothing here needs, and AWS's own policies.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
}

Client = Callable[[str], Any]


@cache
def client(service: str) -> BaseClient:
    """Return a client; making one takes longer than most tests here."""
    with patch.dict(os.environ, SETTINGS):
        made: BaseClient = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
    return made


@pytest.fixture
def aws() -> Iterator[Client]:
    """Return a function from a service's name to its client, in a new account."""
    with patch.dict(os.environ, SETTINGS), mock_aws():
        yield client


@pytest.fixture
def context(aws: Client) -> ResourceContext:
    """Return where the stack's resource ``Thing`` is made."""
    return context_of("Thing", aws)


def context_of(logical_id: str, aws: Client, stack: str = "Orchard", region: str = REGION) -> ResourceContext:
    """Return where a resource is made."""
    return ResourceContext(
        client=aws,
        account=ACCOUNT,
        region=region,
        stack_name=stack,
        stack_id=f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{stack}/0",
        logical_id=logical_id,
    )


def tags(**values: str) -> list[Mapping[str, str]]:
    """Return tags as a template has them."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


TAGS = {"Tags": tags(project="orchard")}

VPC: dict[str, Any] = {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "default", **TAGS}


@pytest.fixture
def vpc(context: ResourceContext) -> str:
    return Vpc().create(context, VPC).physical_id


@pytest.fixture
def subnet(context: ResourceContext, vpc: str) -> str:
    return Subnet().create(context, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id


@pytest.fixture
def table(context: ResourceContext, vpc: str) -> str:
    return RouteTable().create(context, {"VpcId": vpc, **TAGS}).physical_id
