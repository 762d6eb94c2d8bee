"""Tests of tools/set_up.py: what it checks and refuses. Set-up itself is what runs before every test."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import set_up
from tools.set_up import DiskFullError, NoNetworkError, SetUpError

ROOT = Path(__file__).parent.parent.parent


def test_another_python_is_refused_with_the_way_to_name_the_right_one() -> None:
    with pytest.raises(SetUpError) as raised:
        set_up.require_python((3, 12))

    assert str(raised.value).splitlines() == [
        "This is Python 3.12; the project needs Python 3.11, as the cluster does.",
        "Install Python 3.11 and say where it is: make PYTHON=/path/to/python3.11",
    ]


def test_a_changed_lock_makes_the_environment_stale(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("numpy==1.26.4")
    before = set_up.fingerprint([lock])
    same = set_up.fingerprint([lock])
    lock.write_text("numpy==1.26.5")

    assert same == before
    assert set_up.fingerprint([lock]) != before


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(SetUpError) as raised:
        set_up.run(["no-such-command"])

    assert str(raised.value).startswith("set-up could not run no-such-command: ")


def test_a_command_that_fails_is_told_with_its_exit_code_below_its_own_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SetUpError) as raised:
        set_up.run([sys.executable, "-c", "import sys; sys.exit('no such wheel')"])

    assert raised.value.what == (
        f"set-up stopped: '{sys.executable} -c import sys; sys.exit('no such wheel') ...' ended with code 1; "
        "its message is above."
    )
    assert capsys.readouterr().err == "no such wheel\n"


def test_without_a_network_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given a registry that does not answer, as without a network
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    # ... and nothing else on this machine that packages could come from
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    options = ["-qq", "--disable-pip-version-check", "--no-deps", "--dest", str(tmp_path)]

    with pytest.raises(NoNetworkError) as raised:
        set_up.run([sys.executable, "-m", "pip", "download", *options, "numpy==1.26.4"])

    assert raised.value.what == "pip cannot reach its package registry."


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ("npm error code ENOTFOUND\nnpm error network request to https://registry/aws-cdk failed", NoNetworkError),
        ("npm error code EAI_AGAIN", NoNetworkError),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", DiskFullError),
        ("npm error code ENOSPC", DiskFullError),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", SetUpError),
    ],
)
def test_a_plain_cause_is_told_instead_of_the_programs_own_words(
    printed: str, kind: type[SetUpError], capsys: pytest.CaptureFixture[str]
) -> None:
    told = set_up.why_it_failed(["npm", "ci"], 1, printed)

    assert type(told) is kind
    assert capsys.readouterr().err == ("" if kind is not SetUpError else printed)


def test_a_disk_that_is_too_full_is_refused_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_240_000_000))

    with pytest.raises(DiskFullError) as raised:
        set_up.require_space(Path("/project"))

    assert raised.value.what == "The disk of /project has 1.2 GB free; set-up needs 5 GB."


def test_a_failure_is_two_lines_with_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(major=3, minor=12))

    assert set_up.main() == 1

    assert capsys.readouterr().err.splitlines() == [
        "error: This is Python 3.12; the project needs Python 3.11, as the cluster does. [ORC-002]",
        "Install Python 3.11 and say where it is: make PYTHON=/path/to/python3.11",
    ]


def test_an_older_python_can_read_set_up_far_enough_to_be_refused() -> None:
    tree = ast.parse((ROOT / "tools" / "set_up.py").read_text(), feature_version=(3, 7))

    # What is imported at once is the standard library's, and annotations are never evaluated
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "collections.abc", "pathlib"}


def test_make_says_that_there_is_no_such_python() -> None:
    done = subprocess.run(
        ["make", "setup", "PYTHON=python-that-is-not-there"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert done.stderr.splitlines()[:2] == [
        "error: There is no python-that-is-not-there on this machine. [ORC-002]",
        "Install Python 3.11, or say where it is: make PYTHON=/path/to/python3.11",
    ]


def test_make_help_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):(?!=)", makefile, re.MULTILINE))

    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    explained = dict(re.findall(r"^  make ([\w-]+) +(\S.*)$", printed, re.MULTILINE))
    assert set(explained) == targets
    assert set(re.findall(r"[\w-]+", makefile.split(".PHONY:")[1].split("\n")[0])) == targets


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements/development.txt"])
def test_every_locked_package_is_pinned_with_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().split("\n", 2)[2])

    assert len(entries) > 30
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", ["base", "development", "java", "node"])
def test_everything_asked_for_is_in_the_lock_at_the_same_version(lock: str) -> None:
    locked_file = ROOT / ("requirements.txt" if lock == "base" else f"requirements/{lock}.txt")
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", locked_file.read_text(), re.MULTILINE))

    asked = re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", (ROOT / f"requirements/{lock}.in").read_text(), re.MULTILINE)

    assert asked
    for name, version in asked:
        assert locked[name.lower()] == version
