"""What a request touches, as policies name it: the operator's policy lets through what it was written for."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from localcloud.iam.calls import other_call
from localcloud.iam.policies import Policies, allowed
from localcloud.iam.signatures import Arrived
from tests.infra.synthesis import ROOT

REGION, ACCOUNT = "eu-west-1", "123456789012"
OPERATOR: dict[str, Any] = json.loads((ROOT / "docs" / "policies" / "operator.json").read_text())


def form(action: str, **parameters: str) -> Arrived:
    body = urlencode({"Action": action, **parameters}).encode()
    return Arrived("POST", "/", "", {"content-type": "application/x-www-form-urlencoded"}, body)


@pytest.mark.parametrize(
    ("stack", "resource"),
    [
        ("OrchardData", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/OrchardData/*"),
        (
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/OrchardData/1-2",
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/OrchardData/1-2",
        ),
    ],
)
def test_a_cloudformation_call_has_the_arn_of_its_stack(stack: str, resource: str) -> None:
    call = other_call(form("DescribeStacks", StackName=stack), "cloudformation", REGION, ACCOUNT)

    (action,) = call.actions
    assert (action.name, action.resource) == ("cloudformation:DescribeStacks", resource)


@pytest.mark.parametrize(
    ("service", "request_", "expected"),
    [
        ("cloudformation", form("DescribeStacks", StackName="OrchardData"), True),
        ("cloudformation", form("DeleteStack", StackName="OrchardCluster"), True),
        ("cloudformation", form("DeleteStack", StackName="CDKToolkit"), False),
        ("cloudformation", form("DescribeStacks"), False),
        ("sts", form("AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-deploy-role-1-2"), True),
        ("sts", form("AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Admin"), False),
    ],
)
def test_operators_reach_only_our_stacks_and_the_cdks_roles(service: str, request_: Arrived, expected: bool) -> None:
    (action,) = other_call(request_, service, REGION, ACCOUNT).actions

    assert allowed(action, Policies(frozenset(), [OPERATOR])) is expected
