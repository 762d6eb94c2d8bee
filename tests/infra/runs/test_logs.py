"""Tests of infra/runs/logs.py: where the logs of a step are read from."""

import time

import pytest

from infra.aws.client import Aws
from infra.runs import logs
from tests.infra.conftest import Deployed

STEP = "s-LIVELOGS"
STREAM = f"/steps/{STEP}/stderr"


@pytest.fixture
def streamed(aws: Aws) -> None:
    """Have CloudWatch hold two lines of a step's standard error."""
    client = aws.client("logs")
    client.create_log_group(logGroupName="/orchard/steps")
    client.create_log_stream(logGroupName="/orchard/steps", logStreamName=STREAM)
    # CloudWatch takes no events of other days.
    now = int(time.time() * 1000)
    client.put_log_events(
        logGroupName="/orchard/steps",
        logStreamName=STREAM,
        logEvents=[{"timestamp": now + each, "message": f"line {each}"} for each in (1, 2)],
    )


@pytest.mark.usefixtures("streamed")
def test_reads_live_logs_until_s3_has_them(aws: Aws, deployed: Deployed) -> None:
    uri = f"s3://{deployed.logs}/emr/"
    live = logs.step_logs(aws, uri, deployed.cluster, STEP)
    assert list(live) == [f"/orchard/steps:{STREAM}"]

    key = f"emr/{deployed.cluster}/steps/{STEP}/stderr.gz"
    aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=b"from S3")
    assert logs.step_logs(aws, uri, deployed.cluster, STEP) == {f"s3://{deployed.logs}/{key}": "from S3"}


def test_without_live_logs_there_is_nothing_before_s3(aws: Aws, deployed: Deployed) -> None:
    assert logs.step_logs(aws, f"s3://{deployed.logs}/emr/", deployed.cluster, "s-NONE") == {}
