"""IAM: gaps of stock moto, and their patches."""

# ruff: noqa: F811 - the fixtures of the resource types

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.iam import AccessKey, User
from localcloud.moto_patches import iam
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, aws, context, tags  # noqa: F401 - fixtures
from tests.localcloud.moto_patches.in_process import apply

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


def user_with_key(context: ResourceContext) -> None:
    User().create(context, {"UserName": "evaluator"})
    AccessKey().create(context, {"UserName": "evaluator"})


def test_moto_removes_a_user_with_keys(context: ResourceContext) -> None:
    user_with_key(context)
    User().delete(context, "evaluator", {})


def test_a_user_with_keys_is_not_removed(context: ResourceContext, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    user_with_key(context)
    with pytest.raises(ClientError, match=r"\(DeleteConflict\).*must delete access keys first"):
        User().delete(context, "evaluator", {})


def test_stock_moto_has_no_boundary_of_users(aws: Client) -> None:
    aws("iam").create_user(UserName="operator", PermissionsBoundary=BOUNDARY)
    assert "PermissionsBoundary" not in aws("iam").get_user(UserName="operator")["User"]


def test_a_user_keeps_its_boundary(aws: Client, context: ResourceContext, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    before = {"UserName": "operator", "PermissionsBoundary": BOUNDARY}
    User().create(context, before)
    assert aws("iam").get_user(UserName="operator")["User"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": BOUNDARY,
    }
    User().update(context, "operator", before, {"UserName": "operator"})
    assert "PermissionsBoundary" not in aws("iam").get_user(UserName="operator")["User"]


def simulated(aws: Client, source: str, *actions: str, **more: Any) -> dict[str, str]:
    answer = aws("iam").simulate_principal_policy(PolicySourceArn=source, ActionNames=list(actions), **more)
    return {each["EvalActionName"]: each["EvalDecision"] for each in answer["EvaluationResults"]}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_stock_moto_simulates_nothing(aws: Client) -> None:
    user = aws("iam").create_user(UserName="operator")["User"]["Arn"]
    with pytest.raises(NotImplementedError):
        simulated(aws, user, "s3:GetObject")


def test_a_simulation_applies_policies_and_boundary(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    client = aws("iam")
    everything = {"Effect": "Allow", "Action": ["s3:*", "ec2:*"], "Resource": "*"}
    denied = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    bound = client.create_policy(PolicyName="bound", PolicyDocument=document({**everything, "Action": "s3:*"}))
    user = client.create_user(UserName="operator", PermissionsBoundary=bound["Policy"]["Arn"])["User"]["Arn"]
    client.put_user_policy(UserName="operator", PolicyName="own", PolicyDocument=document(everything, denied))

    assert simulated(aws, user, "s3:GetObject", "s3:DeleteObject", "ec2:DescribeVpcs") == {
        "s3:GetObject": "allowed",
        "s3:DeleteObject": "explicitDeny",
        "ec2:DescribeVpcs": "implicitDeny",
    }


def test_a_simulation_uses_resources_and_context(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    client = aws("iam")
    bounded = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    statement = {"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "arn:aws:iam::*:role/a*"}
    role = client.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    own = document({**statement, "Condition": bounded})
    client.put_role_policy(RoleName="deploy", PolicyName="own", PolicyDocument=own)
    entry = {
        "ContextKeyName": "iam:PermissionsBoundary",
        "ContextKeyValues": [BOUNDARY],
        "ContextKeyType": "string",
    }

    def decided(name: str, **more: Any) -> str:
        arns = [f"arn:aws:iam::{ACCOUNT}:role/{name}"]
        return simulated(aws, role, "iam:CreateRole", ResourceArns=arns, **more)["iam:CreateRole"]

    assert decided("admin", ContextEntries=[entry]) == "allowed"
    assert decided("admin") == "implicitDeny"
    assert decided("b", ContextEntries=[entry]) == "implicitDeny"


def test_a_simulation_allows_the_administrator_all(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    caller = aws("sts").get_caller_identity()["Arn"]
    assert simulated(aws, caller, "iam:CreateRole") == {"iam:CreateRole": "allowed"}


def test_a_simulation_of_an_unknown_principal_fails(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    with pytest.raises(ClientError) as raised:
        simulated(aws, f"arn:aws:iam::{ACCOUNT}:user/unknown", "s3:GetObject")
    assert raised.value.response["Error"]["Code"] == "NoSuchEntity"
