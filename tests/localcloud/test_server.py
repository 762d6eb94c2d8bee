"""The process of the local cloud announces itself, ends on a signal, and writes in its folder only."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import state
from localcloud.errors import LocalCloudStateError
from localcloud.server import READY

PROJECT = Path(__file__).parent.parent.parent


def serve(folder: Path, port: int, work: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "localcloud.server", "--port", str(port), "--folder", str(folder)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "HOME": str(work), "TMPDIR": str(work)}
    return subprocess.Popen(
        command, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_listens_locally_only_and_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    work = tmp_path / "work"
    work.mkdir()
    with serve(tmp_path / "cloud", 0, work) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith(f"{READY} http://127.0.0.1:")
            port = int(line.rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                pass
            # Another address of this machine, on which a server that listens everywhere would answer
            with pytest.raises(OSError):  # noqa: PT011 - refused on Linux, out of reach elsewhere
                socket.create_connection(("127.0.0.2", port), timeout=1)
        finally:
            process.send_signal(number)
        assert process.wait(timeout=60) == 0
        assert process.communicate() == ("", "")

    assert list(work.iterdir()) == []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def test_takes_a_free_port_where_the_given_one_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with serve(tmp_path / "cloud", port, tmp_path) as process:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            process.send_signal(signal.SIGTERM)

    assert line.startswith(f"{READY} http://127.0.0.1:")
    assert int(line.rsplit(":", 1)[1]) != port


def test_reports_a_folder_in_use_on_one_line(tmp_path: Path) -> None:
    with state.hold(tmp_path / "cloud"), serve(tmp_path / "cloud", 0, tmp_path) as process:
        printed, reported = process.communicate(timeout=120)

    assert process.returncode == LocalCloudStateError.exit_code
    assert printed == ""
    assert len(reported.splitlines()) == 1
