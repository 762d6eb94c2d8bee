"""Tests of infra/runs/logs.py: where the logs of a step are read from."""

import time
from collections.abc import Iterator

import pytest

from infra.aws.client import Aws
from infra.errors import NotAllowedError
from infra.runs import logs
from job.errors import OrchardError
from tests.infra.conftest import Deployed, fake_call

STEP = "s-LIVELOGS"
STREAM = f"/steps/{STEP}/stderr"


@pytest.fixture
def streamed(aws: Aws) -> Iterator[None]:
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
    yield
    client.delete_log_group(logGroupName="/orchard/steps")


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


@pytest.mark.usefixtures("streamed")
def test_a_step_without_a_stream_has_no_live_logs(aws: Aws, deployed: Deployed) -> None:
    assert logs.step_logs(aws, f"s3://{deployed.logs}/emr/", deployed.cluster, "s-NONE") == {}


@pytest.mark.parametrize(
    ("refusal", "kind"), [("AccessDeniedException", NotAllowedError), ("InvalidParameterException", OrchardError)]
)
def test_a_refusal_of_cloudwatch_reaches_the_user(
    aws: Aws, deployed: Deployed, refusal: str, kind: type[OrchardError]
) -> None:
    fake_call(aws, "cloudwatch-logs.FilterLogEvents", {"Error": {"Code": refusal, "Message": "No."}})
    with pytest.raises(kind, match=f"{refusal}|not allowed"):
        logs.step_logs(aws, f"s3://{deployed.logs}/emr/", deployed.cluster, STEP)
