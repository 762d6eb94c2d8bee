"""Tests of tools/set_up.py: its checks, its errors and what it hands to uv."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.error_report import values
from tools import set_up
from tools.set_up import ROOT, DiskFullError, NoNetworkError, SetUpError


def test_a_changed_input_makes_the_environment_stale(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("numpy==1.26.4")
    before = set_up.fingerprint([lock])
    same = set_up.fingerprint([lock])
    lock.write_text("numpy==1.26.5")

    assert same == before
    assert set_up.fingerprint([lock]) != before


def test_shows_the_output_of_a_failed_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SetUpError) as raised:
        set_up.run([sys.executable, "-c", "import sys; sys.exit(' + numpy==1.26.4\\nno such wheel')"])

    assert values(raised.value.message)[-1] == "1"
    assert capsys.readouterr().err == "no such wheel\n"


@pytest.mark.parametrize("program", ["uv", "pip"])
def test_an_unreachable_registry_is_named(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given no package source except a registry that does not answer
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    command = {
        "pip": [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"],
        "uv": ["uv", "pip", "install", "--no-cache"],
    }[program]

    with pytest.raises(NoNetworkError, match=f"^{program} "):
        set_up.run([*command, "--no-deps", "--target", str(tmp_path), "numpy==1.26.4"])


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ("npm error code ENOTFOUND\nnpm error network request to https://registry/aws-cdk failed", NoNetworkError),
        ("npm error code EAI_AGAIN", NoNetworkError),
        ("  cause: dns error\n  cause: error resolving DNS", NoNetworkError),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", DiskFullError),
        ("error: failed to write\n  cause: No space left on device (os error 28)", DiskFullError),
        ("npm error code ENOSPC", DiskFullError),
        ("error: Hash mismatch for `numpy==1.26.4`", SetUpError),
    ],
)
def test_an_error_code_follows_from_the_output(printed: str, kind: type[SetUpError]) -> None:
    assert type(set_up.failure(["npm", "ci"], 1, printed)) is kind


def test_a_full_disk_is_refused_before_any_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_240_000_000))

    with pytest.raises(DiskFullError) as raised:
        set_up.require_space(Path("/project"))

    assert values(raised.value.message) == ["6 GB", "/project", "1.2 GB"]


def test_uv_is_told_what_pip_is_configured_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given a file of pip's that the environment overrides in part
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://mirror.example/a\ncert = /ca.pem\nfind-links = /one /two\n"
        "[install]\nextra-index-url =\n  https://b.example\n  https://c.example\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_CERT", "/other.pem")

    options = set_up.pip_options()

    told = set_up.uv_environment(options, {})
    assert told["UV_DEFAULT_INDEX"] == "https://mirror.example/a"
    assert told["UV_INDEX"] == "https://b.example https://c.example"
    assert told["UV_FIND_LINKS"] == "/one,/two"
    assert told["SSL_CERT_FILE"] == "/other.pem"
    # ... and uv's own variables win
    own = {"UV_INDEX_URL": "https://d.example", "SSL_CERT_FILE": "/third.pem"}
    told = set_up.uv_environment(options, own)
    assert "UV_DEFAULT_INDEX" not in told
    assert own.items() <= told.items()


OTHER_PYTHON = ["3.11", "make PYTHON=/path/to/python3.11"]
"""The version to install, and the command that names it."""


def test_another_python_gets_two_lines_with_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))

    assert set_up.main() == 1

    assert list(map(values, capsys.readouterr().err.splitlines())) == [["3.11", "3.12", "ORC-002"], OTHER_PYTHON]


def test_an_older_python_can_parse_set_up_and_is_refused() -> None:
    tree = ast.parse((ROOT / "tools" / "set_up.py").read_text(), feature_version=(3, 7))

    # At import it needs the standard library only, and it never evaluates annotations
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "collections", "collections.abc", "pathlib"}


def test_make_names_a_missing_python() -> None:
    done = subprocess.run(
        ["make", "setup", "PYTHON=no-such-python"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    message, hint = done.stderr.splitlines()[:2]
    assert values(message) == ["3.11", "no-such-python", "ORC-002"]
    assert values(hint) == OTHER_PYTHON


def test_make_help_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):(?!=)", makefile, re.MULTILINE))

    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    explained = dict(re.findall(r"^  make ([\w-]+) +(\S.*)$", printed, re.MULTILINE))
    assert set(explained) == targets
    assert set(re.findall(r"[\w-]+", makefile.split(".PHONY:")[1].split("\n")[0])) == targets


@pytest.mark.parametrize("name", ["base", "installer", "development", "java"])
def test_a_lock_holds_each_requested_version(name: str) -> None:
    lock = ROOT / ("requirements.txt" if name == "base" else f"requirements/{name}.txt")
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE))

    asked = re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", (ROOT / f"requirements/{name}.in").read_text(), re.MULTILINE)

    assert asked
    for package, version in asked:
        assert locked[package.lower()] == version
