"""A small cloud for tests: moto with the patches of EMR and the step runner, in a separate process.

    python -m tests.localcloud.steps.emr_cloud FOLDER

Prints its address, and ends with its standard input.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from localcloud.moto_patches import emr
from localcloud.steps.runner import StepRunner
from tests.localcloud.conftest import RUNTIME

REGION = "eu-west-3"
Client = Callable[[str], Any]
"""Returns a client of a service."""


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the cloud as long as the block lasts; ``address`` says where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.localcloud.steps.emr_cloud", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(60)


def address(process: subprocess.Popen[str]) -> str:
    """Return where a cloud that was just started listens."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def clients(endpoint: str | None = None, region: str = REGION) -> Client:
    """Return a function that makes clients of the administrator, at an address or wherever boto3 is pointed."""

    def client(name: str) -> Any:
        session = boto3.Session("testing", "testing", region_name=region)
        make: Any = session.client
        return make(name, endpoint_url=endpoint)

    return client


def make_roles(client: Client) -> None:
    """Make the two roles that a cluster needs, and the instance profile."""
    iam = client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for role in ("node", "service"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")


def make_bucket(client: Client, name: str) -> None:
    """Make a bucket in the client's region."""
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def main(folder: Path) -> None:
    """Run the cloud until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    emr.apply(setattr)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    runner = StepRunner(f"http://{host}:{port}", folder, RUNTIME)
    runner.start()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    runner.stop()
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
