"""Tests of tools/set_up.py: what it checks and refuses. Set-up itself is what runs before every test."""

import re
from pathlib import Path

import pytest

from tools import set_up
from tools.set_up import SetUpError

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


def test_a_command_that_fails_is_told_with_its_exit_code() -> None:
    with pytest.raises(SetUpError) as raised:
        set_up.run(["false"])

    assert str(raised.value).splitlines()[0] == ("set-up stopped: 'false ...' ended with code 1; its message is above.")


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
