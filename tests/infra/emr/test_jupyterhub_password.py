"""The first step of a cluster with JupyterHub replaces the published password, and shows it to nobody."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.synthesis import ROOT

SCRIPT = ROOT / "infra" / "emr" / "jupyterhub_password.sh"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:JupyterHubPassword02-9aB8cD7e-AbC123"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a folder whose aws and sudo stand for those of a node, and note what they are called with."""
    commands = {
        "aws": 'echo "aws $*" >> "$NODE/calls"\n[ -e "$NODE/denied" ] && exit 254\necho correct-horse\n',
        "sudo": 'echo "sudo $*" >> "$NODE/calls"\ncat > "$NODE/input"\n',
    }
    for name, body in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(node: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), SECRET, "eu-west-1"],
        env={"PATH": f"{node}{os.pathsep}{os.defpath}", "NODE": str(node)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_sets_the_secret_as_the_password_of_jovyan(node: Path) -> None:
    result = run(node)
    assert (result.returncode, (node / "input").read_text()) == (0, "jovyan:correct-horse\n")


def test_the_password_is_in_no_command_line_and_no_output(node: Path) -> None:
    result = run(node)
    calls = (node / "calls").read_text()
    assert calls.splitlines() == [
        (
            "aws ssm get-parameter --name /aws/reference/secretsmanager/JupyterHubPassword02-9aB8cD7e "
            "--with-decryption --region eu-west-1 --query Parameter.Value --output text"
        ),
        "sudo docker exec --interactive jupyterhub chpasswd",
    ]
    assert "correct-horse" not in calls + result.stdout + result.stderr


def test_without_the_secret_the_step_fails_and_sets_nothing(node: Path) -> None:
    (node / "denied").touch()
    result = run(node)
    assert (result.returncode, (node / "input").exists()) == (254, False)
