"""A local cloud that is killed leaves nothing behind, and the next one comes up in its place."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.aws.cdk import PROJECT
from infra.commands.sample_photos import draw_photos
from localcloud import state
from localcloud.steps.launcher import session_members
from tests.e2e.test_whole_way import deploy, deploy_command
from tests.e2e.way import SECONDS_AT_MOST, Way, processes_of

pytestmark = pytest.mark.slow


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    """Return a way with an empty, bootstrapped cloud; it is ended afterwards, whatever happened."""
    made = Way(tmp_path)
    made.orchard("local", "up")
    made.bootstrap()
    yield made
    made.orchard("local", "down")


def wait_for(happened: Callable[[], bool]) -> None:
    """Look often until something has happened: a kill in the middle of something needs the middle."""
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def kill(way: Way) -> int:
    """End the cloud as the kernel does when memory runs out; return the port that it had."""
    found = state.require(way.cloud)
    os.kill(found.process, signal.SIGKILL)
    wait_for(lambda: state.find(way.cloud) is None)
    wait_for(lambda: processes_of(way.cloud) == [])
    return urlsplit(found.endpoint).port or 0


def comes_up_again(way: Way, port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(("127.0.0.1", port))
    assert " http://127.0.0.1:" in way.orchard("local", "up")
    assert way.orchard("local", "status").splitlines()[1:] == ["It is empty."]
    way.bootstrap()
    deploy(way, "OrchardData")
    assert way.statuses()["OrchardData"] == "CREATE_COMPLETE"


def test_a_cloud_killed_during_a_deployment_leaves_nothing(way: Way) -> None:
    def bootstrap_action_runs() -> bool:
        return any("launcher.py" in line for line in processes_of(way.cloud))

    deploying = subprocess.Popen(
        deploy_command("--all"), cwd=PROJECT, env=way.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(bootstrap_action_runs)

    port = kill(way)

    assert deploying.wait(SECONDS_AT_MOST) != 0
    comes_up_again(way, port)


def test_a_cloud_killed_during_a_step_leaves_nothing(way: Way) -> None:
    deploy(way, "--all")
    draw_photos(way.folder / "photos", 4, seed=1)
    way.orchard("upload", str(way.folder / "photos"), "fruits")
    way.orchard("run", "--on", "emr", "--images", "fruits", "--weights", "random", "--name", "first", "--detach")
    wait_for(lambda: any("java" in line for line in processes_of(way.cloud)))
    launcher = next(line for line in processes_of(way.cloud) if "launcher.py" in line and "spark-submit" in line)
    session = os.getsid(int(launcher.split()[0]))

    port = kill(way)

    wait_for(lambda: session_members(session) == set())
    comes_up_again(way, port)
