"""Tests of infra/doctor/permissions.py."""

import json

import pytest
from botocore.exceptions import ClientError

from infra.aws.client import Aws
from infra.cdk_context import read_settings
from infra.doctor import permissions
from infra.doctor.finding import Account
from infra.doctor.permissions import POLICY, simulations
from tests.infra.conftest import ACCOUNT, fake_call
from tests.infra.synthesis import default_context


def test_wildcards_become_examples() -> None:
    statement = {
        "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::orcharddata-*", "arn:aws:ssm:*:*:parameter/a"],
        "Condition": {"StringEquals": {"aws:ResourceTag/project": "orchard"}},
    }
    (found,) = simulations({"Statement": [statement]}, "123456789012", "eu-west-1")
    assert found.actions == ["s3:GetObject"]
    assert found.arns == ["arn:aws:s3:::orcharddata-example", "arn:aws:ssm:eu-west-1:123456789012:parameter/a"]
    assert found.context == {"aws:ResourceTag/project": "orchard"}


def test_every_other_statement_of_the_policy_is_simulated() -> None:
    policy = json.loads(POLICY.read_text())
    found = list(simulations(policy, "123456789012", "eu-west-1"))
    assert len(found) == len(policy["Statement"]) - 1
    assert not any("*" in arn and arn != "*" for one in found for arn in one.arns)


ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/me"


def test_the_role_of_a_session_needs_no_permission_to_be_named(aws: Aws) -> None:
    fake_call(aws, "iam.GetRole", {"Error": {"Code": "AccessDenied", "Message": "No."}})
    simulated = fake_call(aws, "iam.SimulatePrincipalPolicy", {"EvaluationResults": []})
    permissions.simulated(Account(aws, read_settings(default_context()), ACCOUNT, ROLE))
    assert {asked["PolicySourceArn"] for asked in simulated.sent} == {f"arn:aws:iam::{ACCOUNT}:role/Admin"}


def test_another_failure_to_name_the_role_is_an_error(aws: Aws) -> None:
    fake_call(aws, "iam.GetRole", {"Error": {"Code": "InvalidInput", "Message": "No."}})
    account = Account(aws, read_settings(default_context()), ACCOUNT, ROLE)
    with pytest.raises(ClientError, match="InvalidInput"):
        permissions.simulated(account)
