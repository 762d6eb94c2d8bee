"""S3 as a node sees it: code in, logs out, with the credentials of the node's role."""

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from localcloud.steps.commands import is_remote
from localcloud.steps.credentials import MAKING_CLIENTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def client(endpoint: str, region: str, credentials: Mapping[str, str]) -> "S3Client":
    """Return a client of S3.

    ``credentials`` are the three ``AWS_`` environment variables by name.
    """
    with MAKING_CLIENTS:
        return boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials["AWS_SESSION_TOKEN"],
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, proxies={}),
        )


def fetch(s3: "S3Client", uris: str, folder: Path) -> str:
    """Download what lies in S3; return the same list with files in its place.

    ``uris`` is one URI, or several separated by commas; what is not in S3 stays unchanged. Each file gets a folder of its
    own, so that its name stays.
    """
    return ",".join(_fetch_one(s3, uri, folder) for uri in uris.split(","))


def _fetch_one(s3: "S3Client", uri: str, folder: Path) -> str:
    if not is_remote(uri):
        return uri
    bucket, _, key = uri.partition("://")[2].partition("/")
    key, _, fragment = key.partition("#")
    target = folder / str(len(list(folder.iterdir()))) / (Path(key).name or "object")
    target.parent.mkdir()
    # Not download_file: it begins with HEAD, whose refusals have no words.
    with target.open("wb") as file:
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file)
    return f"{target}#{fragment}" if fragment else str(target)


def put_logs(s3: "S3Client", uri: str, folder: Path, names: tuple[str, ...]) -> None:
    """Upload logs as EMR does: packed, each below the URI by its own name."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    for name in names:
        packed = gzip.compress((folder / name).read_bytes())
        s3.put_object(Bucket=bucket, Key=f"{prefix}{name}.gz", Body=packed)
