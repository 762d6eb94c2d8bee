"""Tests of localcloud/iam/identities.py."""

from typing import Any

import pytest

from localcloud.iam import identities
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client
from tests.localcloud.cloudformation.resources.conftest import aws as aws  # noqa: PLC0414 - a fixture

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


@pytest.mark.parametrize(
    ("operation", "parameters", "arn", "context"),
    [
        ("CreateRole", {"RoleName": "a", "Path": "/x/"}, "role/x/a", {}),
        ("CreateRole", {"RoleName": "a", "PermissionsBoundary": BOUNDARY}, "role/a", {"boundary": BOUNDARY}),
        ("PutRolePolicy", {"RoleName": "worker", "PolicyName": "p"}, "role/nodes/worker", {"boundary": BOUNDARY}),
        (
            "AttachRolePolicy",
            {"RoleName": "worker", "PolicyArn": "arn:p"},
            "role/nodes/worker",
            {"boundary": BOUNDARY, "policy": "arn:p"},
        ),
        ("CreatePolicy", {"PolicyName": "p"}, "policy/p", {}),
        ("CreateUser", {"UserName": "u"}, "user/u", {}),
        ("AddRoleToInstanceProfile", {"InstanceProfileName": "i", "RoleName": "worker"}, "instance-profile/i", {}),
    ],
)
def test_a_request_has_its_arn_and_condition_keys(
    aws: Client,
    operation: str,
    parameters: dict[str, Any],
    arn: str,
    context: dict[str, str],
) -> None:
    aws("iam").create_role(
        RoleName="worker", Path="/nodes/", AssumeRolePolicyDocument="{}", PermissionsBoundary=BOUNDARY
    )
    names = {"boundary": "iam:permissionsboundary", "policy": "iam:policyarn"}
    found = identities.described(operation, parameters, ACCOUNT)
    assert found == (f"arn:aws:iam::{ACCOUNT}:{arn}", {names[key]: [value] for key, value in context.items()})


def test_a_request_for_a_policy_has_its_arn() -> None:
    assert identities.described("GetPolicy", {"PolicyArn": BOUNDARY}, ACCOUNT) == (BOUNDARY, {})


def test_a_request_that_names_nothing_is_about_everything() -> None:
    assert identities.described("ListRoles", {}, ACCOUNT) == ("*", {})
