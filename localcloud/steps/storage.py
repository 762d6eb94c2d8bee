"""A node's access to S3 with the credentials of its role: code in, logs out."""

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.clients import client
from localcloud.steps.commands import is_remote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


LOGS = ("controller", "stdout", "stderr")
"""Names of the logs of a step or a bootstrap action."""


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI, in any of EMR's spellings of the scheme."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def assume_role(endpoint: str, region: str, role: str, session: str) -> Mapping[str, str]:
    """Return temporary credentials of a role's ARN, by the names of their environment variables.

    The administrator requests them; on AWS, EC2 gives a node the credentials of the role in its instance profile.
    """
    given = client("sts", endpoint, region).assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def fetch(s3: "S3Client", uris: str, folder: Path) -> str:
    """Download the S3 URIs of a comma-separated list, each into its own folder; return the list with files instead."""
    return ",".join(_fetch_one(s3, uri, folder) for uri in uris.split(","))


def _fetch_one(s3: "S3Client", uri: str, folder: Path) -> str:
    if not is_remote(uri):
        return uri
    bucket, key = split_uri(uri)
    key, _, fragment = key.partition("#")
    target = folder / str(len(list(folder.iterdir()))) / (Path(key).name or "object")
    target.parent.mkdir()
    # Not download_file: it begins with HEAD, whose refusals have no message.
    with target.open("wb") as file:
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file)
    return f"{target}#{fragment}" if fragment else str(target)


def put_logs(s3: "S3Client", uri: str, folder: Path) -> None:
    """Upload the logs in a folder as EMR does: compressed, each by its name below the URI."""
    bucket, prefix = split_uri(uri)
    for name in LOGS:
        packed = gzip.compress((folder / name).read_bytes())
        s3.put_object(Bucket=bucket, Key=f"{prefix}{name}.gz", Body=packed)
