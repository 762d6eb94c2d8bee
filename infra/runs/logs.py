"""Read what EMR wrote to the logs bucket: of a step, of its containers, of a bootstrap action."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code, explained
from infra.emr import LOG_GROUP
from job.storage import split_s3

LARGEST_TEXT = 256 * 1024
"""Characters kept of a log, from its end, where the cause is."""

MOST_FILES = 60
"""Logs of containers that are read, newest first: the last ones to end show the failure."""


def step_logs(aws: Aws, log_uri: str, cluster: str, step: str) -> Mapping[str, str]:
    """Return the logs of a step by URI, stderr first; from CloudWatch while S3 has none (``live_logs``)."""
    found = _read_below(aws, f"{log_uri}{cluster}/steps/{step}/") or _live_logs(aws, step)
    return dict(sorted(found.items(), key=lambda item: ("stderr" not in item[0], item[0])))


def has_come(aws: Aws, log_uri: str, cluster: str, step: str, ended: datetime | None) -> bool:
    """Return whether the complete standard error of an ended step is in S3.

    EMR also copies the logs of a running step every few minutes; a copy from before the end lacks the cause.
    """
    bucket, prefix = split_s3(f"{log_uri}{cluster}/steps/{step}/")
    with explained(f"look for the logs of the step {step}"):
        pushed = [moment for moment, key in _objects(aws, bucket, prefix, "stderr")]
    return any(ended is None or moment >= ended.timestamp() for moment in pushed)


def container_logs(aws: Aws, log_uri: str, cluster: str, application: str = "") -> Mapping[str, str]:
    """Return the standard error of YARN's containers by URI, of one application or of all."""
    folder = f"{log_uri}{cluster}/containers/" + (f"{application}/" if application else "")
    return _read_below(aws, folder, only="stderr")


def bootstrap_logs(aws: Aws, log_uri: str, cluster: str) -> Mapping[str, str]:
    """Return the standard error of the bootstrap actions by URI."""
    found = _read_below(aws, f"{log_uri}{cluster}/node/", only="bootstrap-actions/")
    return {uri: text for uri, text in found.items() if "stderr" in uri}


def _live_logs(aws: Aws, step: str) -> Mapping[str, str]:
    """Return what CloudWatch has received of a step's logs, by log group and stream; empty without ``live_logs``."""
    streams = [f"/steps/{step}/{name}" for name in ("stderr", "stdout")]
    with explained(f"read the live logs of the step {step}"):
        found = {f"{LOG_GROUP}:{stream}": "\n".join(_lines(aws, stream))[-LARGEST_TEXT:] for stream in streams}
    return {name: text for name, text in found.items() if text}


def _lines(aws: Aws, stream: str) -> list[str]:
    """Return the lines of a log stream; none while the stream, or its group, does not exist."""
    pages = aws.client("logs").get_paginator("filter_log_events")
    try:
        every = pages.paginate(logGroupName=LOG_GROUP, logStreamNames=[stream])
        return [event["message"] for page in every for event in page["events"]]
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return []


def _read_below(aws: Aws, folder: str, only: str = "") -> Mapping[str, str]:
    bucket, prefix = split_s3(folder)
    if not bucket:
        return {}  # a cluster without logs
    with explained(f"read the logs in {folder}"):
        newest = sorted(_objects(aws, bucket, prefix, only), reverse=True)[:MOST_FILES]
        return {
            f"s3://{bucket}/{key}": _text(aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for _, key in newest
        }


def _objects(aws: Aws, bucket: str, prefix: str, only: str) -> Iterator[tuple[float, str]]:
    for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            if only in entry["Key"]:
                yield entry["LastModified"].timestamp(), entry["Key"]


def _text(content: bytes) -> str:
    """Return a log's text; EMR compresses most logs, and copies some while they are being written."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error):
            content = zlib.decompressobj(wbits=31).decompress(content)
    return content.decode("utf-8", "replace")[-LARGEST_TEXT:]
