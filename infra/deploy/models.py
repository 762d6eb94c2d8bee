"""Puts an exported backbone into the data bucket: the same content is the same object, and is sent once."""

from pathlib import Path

from infra.deploy.aws import Aws, explained
from infra.deploy.bundle import exists
from job.backbone import content_hash


def model_key(model: Path) -> str:
    """Return where an exported backbone lies in the data bucket."""
    return f"models/{content_hash(model)[:16]}{model.suffix}"


def send(aws: Aws, bucket: str, model: Path) -> str:
    """Put an exported backbone into the data bucket, if it is not there yet; return its URI."""
    key = model_key(model)
    with explained(f"upload the backbone to {bucket}"):
        if not exists(aws, bucket, key):
            aws.s3.upload_file(str(model), bucket, key)
    return f"s3://{bucket}/{key}"
