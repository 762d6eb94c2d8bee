"""Objects in S3: check names, list folders, test whether an object exists, read or download it."""

from datetime import datetime
from pathlib import Path

from botocore.exceptions import ClientError

from infra.aws.client import Aws, error_code
from infra.errors import WrongUseError
from job import run_names

_NOT_FOUND = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")


def require_name(name: str, subject: str, hint: str) -> None:
    """Raise WrongUseError unless a name is valid for a run or a set; ``subject`` starts the message: "--name"."""
    if not run_names.is_valid(name):
        raise WrongUseError(f"{subject} must be {run_names.RULE}, got '{name}'.", hint)


def exists(aws: Aws, bucket: str, key: str) -> bool:
    """Return whether an object exists."""
    try:
        aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) in _NOT_FOUND:
            return False
        raise
    return True


def folders(aws: Aws, bucket: str, prefix: str) -> list[str]:
    """Return the names of the folders directly below a prefix, which ends with "/", in S3's order."""
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
    return [each.removeprefix(prefix).rstrip("/") for each in found]


def read_if_there(aws: Aws, bucket: str, key: str, since: datetime | None = None) -> bytes | None:
    """Return an object's content, None if it does not exist or was last written before ``since`` (whole seconds)."""
    try:
        answer = aws.s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) in _NOT_FOUND:
            return None
        raise
    if since is not None and answer["LastModified"] < since.replace(microsecond=0):
        return None
    return answer["Body"].read()


def download(aws: Aws, bucket: str, key: str, file: Path) -> None:
    """Copy an object to a file of this machine; create its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # Use a hidden name until the copy is complete, so that an interrupted one is never taken for the file.
    part = file.with_name(f".{file.name}.part")
    aws.s3.download_file(bucket, key, str(part))
    part.replace(file)
