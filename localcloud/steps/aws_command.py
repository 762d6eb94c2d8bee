"""The node's ``aws s3 cp``: EMR installs the AWS CLI on every node, but this machine may not have it."""

import sys
from collections.abc import Sequence

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.steps.storage import split_uri

USAGE = 255
"""Exit code of the AWS command line for a command that it does not know."""


def main(argv: Sequence[str]) -> int:
    """Run ``aws s3 cp [--region REGION] [--only-show-errors] SOURCE TARGET``, one of which is in S3."""
    given = [word for word in argv if word not in ("--only-show-errors", "--quiet", "--no-progress")]
    if "--region" in given:
        # The node's environment names the cloud's one region.
        at = given.index("--region")
        del given[at : at + 2]
    match given:
        case ["s3", "cp", source, target] if source.startswith("s3://") != target.startswith("s3://"):
            return _copy(source, target)
    sys.stderr.write(f"aws: the local cloud runs only 'aws s3 cp SOURCE TARGET', got 'aws {' '.join(argv)}'.\n")
    return USAGE


def _copy(source: str, target: str) -> int:
    s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    uri = source if source.startswith("s3://") else target
    bucket, key = split_uri(uri)
    try:
        if uri == source:
            # In one request: the local S3 reads a whole object for each range of it.
            s3.download_file(bucket, key, target, Config=TransferConfig(multipart_threshold=sys.maxsize))
        else:
            s3.upload_file(source, bucket, key)
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"fatal error: {error}\n")
        return 1
    return 0
