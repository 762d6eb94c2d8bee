"""A local cloud in a separate process: the patches change moto for every later test of a process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.versions import CLUSTER_PYTHON
from job.spark.java import find_java_home
from localcloud.runtime import Runtime, find_runtime
from localcloud.server import READY

REGION = "eu-west-3"

RUNTIME = Runtime(str(find_java_home() or ""), find_runtime().spark_home, CLUSTER_PYTHON)
"""What steps run on."""

_RUNTIME_ARGUMENTS = (
    *("--java-home", RUNTIME.java_home, "--spark-home", RUNTIME.spark_home, "--node-python", RUNTIME.node_python),
)

MakeClient = Callable[..., Any]
"""Returns a client of a service of the local cloud: by default with the administrator's key."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a local cloud; return its address."""
    folder = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "localcloud.server", "--port", "0", "--folder", str(folder), *_RUNTIME_ARGUMENTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith(READY), line
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()
            assert process.wait(timeout=60) == 0


def make_client(
    endpoint: str | None,
    service: str,
    key: str = "testing",
    secret: str = "testing",  # noqa: S107
    token: str | None = None,
    region: str = REGION,
) -> Any:
    """Return a client; with no endpoint, one of moto in this process."""
    session = boto3.Session(
        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=region
    )
    configuration = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=endpoint, config=configuration)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def client(cloud: str) -> MakeClient:
    """Return what makes clients of the local cloud."""
    return partial(make_client, cloud)
