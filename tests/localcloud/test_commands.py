"""The commands up, down, status and env, against a cloud of the test's own."""

import io
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import localcloud
from localcloud import state
from localcloud.runtime import Runtime


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a cloud, which is ended afterwards."""
    yield tmp_path / "my cloud"
    state.stop(tmp_path / "my cloud")


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """Return the lines that a command prints."""
    assert localcloud.main([*argv, "--region", "eu-west-3"], runtime=Runtime) == 0
    return capsys.readouterr().out.splitlines()


def test_up_status_env_and_down(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--state", str(folder))
    up = run(capsys, "up", "--port", "0", *at)
    found = state.require(folder)
    assert found.endpoint in up[0]
    assert f"localcloud --state '{folder}' env" in up[1]
    assert found.endpoint in run(capsys, "up", *at)[0]
    assert state.require(folder) == found

    assert run(capsys, "status", *at)[1:] == ["It is empty."]
    localcloud.client_maker(found.endpoint, "eu-west-3")("s3").create_bucket(
        Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"}
    )
    assert run(capsys, "status", *at)[1].split() == ["bucket", "photos"]

    lines = "\n".join([*run(capsys, "env", *at), 'echo "$AWS_ENDPOINT_URL $AWS_REGION"'])
    assert subprocess.check_output(["bash", "-c", lines], text=True).split() == [found.endpoint, "eu-west-3"]

    assert found.endpoint in run(capsys, "down", *at)[0]
    assert not folder.exists()
    assert found.endpoint not in run(capsys, "down", *at)[0]


@pytest.mark.parametrize("action", ["status", "env"])
def test_without_a_cloud_the_error_names_the_command(
    action: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = localcloud.main([action, "--folder", str(folder)], program="orchard local", runtime=Runtime)

    report = capsys.readouterr().err
    assert code == 2
    assert "[ORC-400]" in report.splitlines()[0]
    assert f"orchard local --state '{folder}' up" in report


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_refuses_a_port_that_cannot_exist(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        localcloud.main(["up", f"--port={port}"])

    assert ended.value.code == 2
    assert f"'{port}'" in capsys.readouterr().err


@pytest.fixture
def elsewhere(folder: Path) -> str:
    """Have a cloud that was started from another terminal; return the folder it was started in."""
    code = "import sys; from localcloud import main; from localcloud.runtime import Runtime; main(runtime=Runtime)"
    started_in = folder.parent / "clone"
    started_in.mkdir()
    command = [sys.executable, "-c", code, "up", "--port", "0", "--state", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(localcloud.__file__).parents[1])}
    subprocess.run(command, cwd=started_in, env=environment, check=True, capture_output=True, start_new_session=True)
    return str(started_in)


def test_down_asks_before_it_ends_a_cloud_started_elsewhere(
    elsewhere: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    down = ["down", "--state", str(folder)]

    assert localcloud.main(down) == 2

    report = capsys.readouterr().err
    assert "[ORC-403]" in report
    assert elsewhere in report
    assert state.find(folder) is not None
    # The fix works as printed
    fix = report.splitlines()[1].partition(": python -m localcloud ")[2]
    assert localcloud.main(shlex.split(fix)) == 0
    assert state.find(folder) is None


@pytest.mark.parametrize(("answer", "ended"), [("yes", True), ("no", False)])
@pytest.mark.usefixtures("elsewhere")
def test_a_terminal_is_asked(answer: str, ended: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)

    assert localcloud.main(["down", "--state", str(folder)]) == (0 if ended else 2)

    assert (state.find(folder) is None) is ended


def test_running_ends_with_its_block() -> None:
    with localcloud.running(runtime=Runtime()) as endpoint:
        identity = localcloud.client_maker(endpoint, "eu-west-3")("sts").get_caller_identity()
        assert identity["Account"] == "123456789012"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])), timeout=5)
