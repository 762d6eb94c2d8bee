"""The commands up, down, status and env, against a cloud of the test's own."""

import socket
import subprocess
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
    assert localcloud.main(argv, region="eu-west-3", runtime=Runtime) == 0
    return capsys.readouterr().out.splitlines()


def test_up_status_env_and_down(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--folder", str(folder))
    up = run(capsys, "up", "--port", "0", *at)
    found = state.require(folder)
    assert found.endpoint in up[0]
    assert f"localcloud --folder '{folder}' env" in up[1]
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
    assert f"orchard local --folder '{folder}' up" in report


def test_running_ends_with_its_block() -> None:
    with localcloud.running(runtime=Runtime()) as endpoint:
        identity = localcloud.client_maker(endpoint, "eu-west-3")("sts").get_caller_identity()
        assert identity["Account"] == "123456789012"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])), timeout=5)
