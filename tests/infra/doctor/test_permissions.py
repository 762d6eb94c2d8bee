"""Tests of infra/doctor/permissions.py."""

import json

from infra.doctor.permissions import POLICY, simulations


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
