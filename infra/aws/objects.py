"""Single objects in S3: whether one is there, what is in it, and how it comes to this machine."""

from datetime import datetime
from pathlib import Path

from botocore.exceptions import ClientError

from infra.aws.client import Aws

_NOT_THERE = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")


def exists(aws: Aws, bucket: str, key: str) -> bool:
    """Return whether an object is there."""
    try:
        aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return False
        raise
    return True


def read_if_there(aws: Aws, bucket: str, key: str, since: datetime | None = None) -> bytes | None:
    """Return an object's content, None where there is no such object.

    Parameters
    ----------
    since
        An object that was last written before counts as not there; S3 tells whole seconds.
    """
    try:
        answer = aws.s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise
    if since is not None and answer["LastModified"] < since.replace(microsecond=0):
        return None
    return answer["Body"].read()


def download(aws: Aws, bucket: str, key: str, file: Path) -> None:
    """Copy an object to a file of this machine, whose folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # A hidden name until it is complete: an interrupted copy is never taken for the file.
    part = file.with_name(f".{file.name}.part")
    aws.s3.download_file(bucket, key, str(part))
    part.replace(file)
