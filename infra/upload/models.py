"""Puts an exported backbone into the data bucket, under the hash of its content, once."""

from dataclasses import dataclass
from pathlib import Path

from infra.aws.client import Aws, explained
from infra.aws.objects import exists
from job.features.network.backbone import content_hash


@dataclass(frozen=True)
class PlacedModel:
    """A backbone in the data bucket."""

    uri: str
    sent: bool  # whether it was sent now; False if it was there


def model_key(sha256: str) -> str:
    """Return the key of a backbone in the data bucket, from the hash of its content: the same content is sent once."""
    return f"models/{sha256}.tflite"


def place_model(aws: Aws, bucket: str, file: Path) -> PlacedModel:
    """Make the bucket hold a backbone."""
    key = model_key(content_hash(file))
    uri = f"s3://{bucket}/{key}"
    with explained(f"look for {uri}"):
        if exists(aws, bucket, key):
            return PlacedModel(uri, sent=False)
    with explained(f"send {uri}"), file.open("rb") as stream:
        aws.s3.upload_fileobj(stream, bucket, key)
    return PlacedModel(uri, sent=True)
