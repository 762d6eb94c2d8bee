"""Send the job's code and exported backbones to the data bucket, under a hash of their content, so each only once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from infra.aws import Aws, exists, explained
from job.features.network import content_hash
from job.report import drawing
from job.spark.bundle import pack

API = Path(__file__).resolve().parents[2] / "orchard.py"
"""The Python API, which notebooks import together with the job."""

MAIN = b'''"""Run the job from its zipped package; spark-submit runs this file."""

import sys

from job.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
'''
"""spark-submit runs a file, not a module."""


@dataclass(frozen=True)
class Bundle:
    """The job's code for spark-submit: the zipped package, and the file to run."""

    archive: bytes
    main: bytes

    @property
    def hash(self) -> str:
        """Digest of the whole content, which names its folder."""
        return hashlib.sha256(self.archive + self.main).hexdigest()[:16]

    @property
    def keys(self) -> tuple[str, str]:
        """Keys of archive and main file in the data bucket."""
        return f"code/{self.hash}/job.zip", f"code/{self.hash}/main.py"


@dataclass(frozen=True)
class PlacedModel:
    """A backbone in the data bucket."""

    uri: str
    sent: bool  # False if the bucket already had it


def make_bundle() -> Bundle:
    """Return the job's current code, with the script that renders the report: nodes cannot generate it."""
    return Bundle(pack({drawing.IN_BUNDLE: drawing.script()}), MAIN)


def send_bundle(aws: Aws, bucket: str, bundle: Bundle) -> bool:
    """Send a bundle to the data bucket; return whether anything had to be sent."""
    sent = False
    with explained(f"upload the job's code to {bucket}"):
        for key, content in zip(bundle.keys, (bundle.archive, bundle.main), strict=True):
            if not exists(aws, bucket, key):
                aws.s3.put_object(Bucket=bucket, Key=key, Body=content)
                sent = True
    return sent


def send_api(aws: Aws, bucket: str) -> str:
    """Upload the Python API unless the bucket has it; return its URI."""
    content = API.read_bytes()
    key = f"code/{hashlib.sha256(content).hexdigest()[:16]}/{API.name}"
    with explained(f"upload the Python API to {bucket}"):
        if not exists(aws, bucket, key):
            aws.s3.put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


def model_key(sha256: str) -> str:
    """Return the key of a backbone in the data bucket, from the hash of its content."""
    return f"models/{sha256}.tflite"


def place_model(aws: Aws, bucket: str, file: Path) -> PlacedModel:
    """Send an exported backbone to the data bucket, unless the bucket has it."""
    key = model_key(content_hash(file))
    uri = f"s3://{bucket}/{key}"
    with explained(f"look for {uri}"):
        if exists(aws, bucket, key):
            return PlacedModel(uri, sent=False)
    with explained(f"send {uri}"), file.open("rb") as stream:
        aws.s3.upload_fileobj(stream, bucket, key)
    return PlacedModel(uri, sent=True)
