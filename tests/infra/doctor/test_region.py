"""Tests of infra/doctor/region.py."""

import pytest
from botocore.exceptions import ClientError

from infra.aws.client import Aws
from infra.cdk_context import read_settings
from infra.doctor import region
from infra.doctor.finding import Account, Level
from tests.infra.conftest import ACCOUNT, REGION, fake_call
from tests.infra.synthesis import default_context


def refused(aws: Aws, code: str) -> Account:
    """Return an account in which EC2 refuses to list zones."""
    fake_call(aws, "ec2.DescribeAvailabilityZones", {"Error": {"Code": code, "Message": "No."}})
    return Account(aws, read_settings(default_context()), ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me")


@pytest.mark.parametrize("code", ["OptInRequired", "AuthFailure"])
def test_a_region_that_is_not_enabled_is_named(aws: Aws, code: str) -> None:
    found = region.zones(refused(aws, code))
    fix = f"aws account enable-region --region-name {REGION} --region {REGION}"
    assert (found.level, found.fix) == (Level.FAILURE, fix)


def test_another_refusal_is_not_taken_for_a_missing_region(aws: Aws) -> None:
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        region.zones(refused(aws, "UnauthorizedOperation"))
