"""What S3 lacks in stock moto, and has in the local cloud."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.localcloud.conftest import REGION, MakeClient, make_client

PLACE: Any = {"LocationConstraint": REGION}


def log_into_a_bucket_without_a_policy(s3: Any) -> str:
    """Let one bucket log into another that has no policy yet, as a template of the CDK does; return where it logs."""
    for bucket in ("gaps-logs", "gaps-data"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=PLACE)
    status = {"LoggingEnabled": {"TargetBucket": "gaps-logs", "TargetPrefix": "access/"}}
    s3.put_bucket_logging(Bucket="gaps-data", BucketLoggingStatus=status)
    return str(s3.get_bucket_logging(Bucket="gaps-data")["LoggingEnabled"]["TargetBucket"])


def read_from_a_bucket_that_denies_what_is_not_encrypted(s3: Any) -> bytes:
    """Put a policy on a bucket that denies connections without TLS, which this is not said to be; read from it."""
    s3.create_bucket(Bucket="gaps-encrypted", CreateBucketConfiguration=PLACE)
    s3.put_object(Bucket="gaps-encrypted", Key="k", Body=b"hi")
    statement = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Principal": {"AWS": "*"},
        "Resource": ["arn:aws:s3:::gaps-encrypted", "arn:aws:s3:::gaps-encrypted/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="gaps-encrypted", Policy=json.dumps({"Statement": [statement]}))
    return bytes(s3.get_object(Bucket="gaps-encrypted", Key="k")["Body"].read())


def test_a_bucket_may_log_into_one_whose_policy_comes_later(client: MakeClient) -> None:
    assert log_into_a_bucket_without_a_policy(client("s3")) == "gaps-logs"


def test_stock_moto_refuses_logs_before_the_targets_policy() -> None:
    with mock_aws(), pytest.raises(ClientError, match="InvalidTargetBucketForLogging"):
        log_into_a_bucket_without_a_policy(make_client(None, "s3"))


def test_evaluates_conditions_of_a_bucket_policy(client: MakeClient) -> None:
    assert read_from_a_bucket_that_denies_what_is_not_encrypted(client("s3")) == b"hi"


def test_stock_moto_applies_a_conditional_denial_to_everything() -> None:
    with mock_aws(), pytest.raises(ClientError, match="Forbidden"):
        read_from_a_bucket_that_denies_what_is_not_encrypted(make_client(None, "s3"))
