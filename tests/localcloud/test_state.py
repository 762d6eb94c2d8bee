"""Tests of localcloud/state.py: processes of their own hold the folder as a cloud does."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import state
from localcloud.errors import LocalCloudStateError
from localcloud.state import LocalCloudState

HOLDER = """
import os, signal, sys
from pathlib import Path
from localcloud.state import LocalCloudState
from localcloud.state import hold
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with hold(Path(sys.argv[1])) as announce:
    announce(LocalCloudState("http://127.0.0.1:1", os.getpid(), "2026-01-01T00:00:00Z"))
    print("runs", flush=True)
    signal.pause()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that holds the folder as a cloud does."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    yield process
    process.kill()
    process.communicate()


def test_finds_a_running_cloud(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert state.find(tmp_path) == LocalCloudState("http://127.0.0.1:1", holder.pid, "2026-01-01T00:00:00Z")


def test_finds_nothing_where_no_cloud_ever_ran(tmp_path: Path) -> None:
    assert state.find(tmp_path / "never") is None
    with pytest.raises(LocalCloudStateError) as caught:
        state.require(tmp_path, "orchard local")
    assert caught.value.code == "ORC-400"
    assert "orchard local up" in caught.value.hint


def test_does_not_find_a_killed_cloud(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    assert state.find(tmp_path) is None


def test_reuses_the_folder_of_a_killed_cloud_emptied(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    (state.work_folder(tmp_path) / "old").write_text("left")
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with state.hold(tmp_path):
        assert state.find(tmp_path) is None
        assert list(state.work_folder(tmp_path).iterdir()) == []


def test_a_second_cloud_is_refused(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    with pytest.raises(LocalCloudStateError), state.hold(tmp_path):
        pytest.fail("two clouds in one folder")
    assert holder.poll() is None


def test_stop_ends_the_process_and_deletes_the_folder(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    stopped = state.stop(tmp_path, time.sleep)

    assert stopped is not None
    assert stopped.process == holder.pid
    assert holder.wait() == 0
    assert not tmp_path.exists()


def test_stop_returns_none_where_no_cloud_runs(tmp_path: Path) -> None:
    assert state.stop(tmp_path / "never", time.sleep) is None


def test_default_folder_is_below_xdg_state_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")

    assert state.default_folder({}) == Path("/home/anna/.local/state/localcloud")
    assert state.default_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/localcloud")


def test_only_the_owner_may_read_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "cloud"

    with state.hold(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
