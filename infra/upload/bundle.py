"""Puts the job's code into the data bucket: the same code is the same object, and is sent once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from infra.aws.client import Aws, explained
from infra.aws.objects import exists
from job.report import drawing
from job.spark import bundle as archive

API = Path(__file__).resolve().parents[2] / "orchard.py"
"""The Python API, which notebooks import beside the job."""

MAIN = b'''"""What spark-submit runs: the job, from the archive beside this file."""

import sys

from job.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
'''
"""spark-submit runs a file, not a module."""


@dataclass(frozen=True)
class Bundle:
    """The job's code as spark-submit takes it.

    Parameters
    ----------
    archive
        The package, zipped.
    main
        The file that is run.
    """

    archive: bytes
    main: bytes

    @property
    def hash(self) -> str:
        """A digest of the whole content: the name of its folder."""
        return hashlib.sha256(self.archive + self.main).hexdigest()[:16]

    @property
    def keys(self) -> tuple[str, str]:
        """Where archive and main file lie in the data bucket."""
        return f"code/{self.hash}/job.zip", f"code/{self.hash}/main.py"


def make_bundle() -> Bundle:
    """Return the job's code as it is now, with the script that draws the report: the nodes cannot make it."""
    return Bundle(archive.pack({drawing.IN_BUNDLE: drawing.script()}), MAIN)


def send(aws: Aws, bucket: str, bundle: Bundle) -> bool:
    """Put a bundle into the data bucket; return whether anything had to be sent."""
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
