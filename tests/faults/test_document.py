"""docs/reliability.md names tests that there are, and holds a table that they have made."""

import re
from pathlib import Path

import pytest

from tests.faults.conftest import BEGIN, END, RELIABILITY, Line, in_document

ROOT = RELIABILITY.parent.parent


def test_every_test_that_a_promise_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", RELIABILITY.read_text())

    missing = [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in (ROOT / Path(file)).read_text()]

    assert len(named) >= 20
    assert missing == []


def test_every_promise_has_a_test() -> None:
    promises = RELIABILITY.read_text().split("|---|---|\n", 1)[1].split("\n\n", 1)[0].splitlines()

    assert [line for line in promises if "::test_" not in line] == []


def test_fault_table_replaces_only_the_text_between_its_marks() -> None:
    document = f"before\n{BEGIN}\n| old |\n{END}\nafter\n"

    written = in_document(document, [Line("b", "nothing", 1.4), Line("a", r"\1", 0.2)])

    lines = ["| fault | what happened | s |", "|---|---|---|", r"| a | \1 | 0 |", "| b | nothing | 1 |"]
    assert written.splitlines() == ["before", BEGIN, *lines, END, "after"]


def test_the_committed_table_shows_every_kind_of_fault(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--write-faults", default=False):
        pytest.skip("needs a run without --write-faults")
    committed = RELIABILITY.read_text().split(BEGIN)[1].split(END)[0]

    for fault in ("503 SlowDown", "500 InternalError", "connection reset", "truncated body", "slow trickle", "404"):
        assert f"| S3: {fault}" in committed
    for fault in ("Python worker killed", "executor killed", "a task hangs", "disk is full", "runs twice"):
        assert fault in committed
