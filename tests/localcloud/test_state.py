"""Tests of localcloud/state.py: processes of their own hold the folder as a cloud does."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import state
from localcloud.errors import LocalCloudStateError
from localcloud.state import Standing

HOLDER = """
import os, signal, sys
from pathlib import Path
from localcloud.state import Standing
from localcloud.state import stand
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with stand(Path(sys.argv[1])) as announce:
    announce(Standing("http://127.0.0.1:1", os.getpid(), "2026-01-01T00:00:00Z"))
    print("stands", flush=True)
    signal.pause()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that holds the folder as a cloud does."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "stands\n"
    yield process
    process.kill()
    process.communicate()


def test_a_cloud_that_stands_is_found(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert state.find(tmp_path) == Standing("http://127.0.0.1:1", holder.pid, "2026-01-01T00:00:00Z")


def test_where_nothing_ever_stood_nothing_is_found(tmp_path: Path) -> None:
    assert state.find(tmp_path / "never") is None
    said = r"^No local cloud stands on this machine\.\nStart it: orchard local up$"
    with pytest.raises(LocalCloudStateError, match=said):
        state.require(tmp_path)


def test_a_cloud_that_was_killed_does_not_stand(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    assert state.find(tmp_path) is None


def test_the_folder_of_a_cloud_that_was_killed_is_taken_over_without_what_it_left(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    (state.work_folder(tmp_path) / "old").write_text("left")
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with state.stand(tmp_path):
        assert state.find(tmp_path) is None
        assert list(state.work_folder(tmp_path).iterdir()) == []


def test_a_second_cloud_is_refused(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    said = r"^A local cloud stands already\.\nUse it, or end it: orchard local down$"
    with (
        pytest.raises(LocalCloudStateError, match=said),
        state.stand(tmp_path),
    ):
        pytest.fail("two clouds in one folder")
    assert holder.poll() is None


def test_stopping_ends_the_process_and_removes_the_folder(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    stopped = state.stop(tmp_path, time.sleep)

    assert stopped is not None
    assert stopped.process == holder.pid
    assert holder.wait() == 0
    assert not tmp_path.exists()


def test_stopping_where_nothing_stands_says_so(tmp_path: Path) -> None:
    assert state.stop(tmp_path / "never", time.sleep) is None


def test_a_port_in_use_is_not_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert state._free(port) not in (0, port)


def test_the_state_lies_where_the_person_keeps_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")

    assert state.home({}) == Path("/home/anna/.local/state/orchard/local-cloud")
    assert state.home({"XDG_STATE_HOME": "/s"}) == Path("/s/orchard/local-cloud")


def test_nobody_else_of_this_machine_may_look_into_a_clouds_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "cloud"

    with state.stand(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
