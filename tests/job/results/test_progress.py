"""Tests of job/results/progress.py."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from job import storage
from job.errors import NotWrittenError
from job.results import layout
from job.results.progress import Progress


def read(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((output / "progress.json").read_text())
    return content


def test_progress_json_says_stage_done_and_total(tmp_path: Path) -> None:
    follower = Progress(str(tmp_path), "run-1", io.StringIO())
    done: Any = SimpleNamespace(value=7)  # what Spark's accumulator shows the driver

    with follower.counted_stage("features", 40, done):
        pass

    content = read(tmp_path)
    assert {name: content[name] for name in ("schema_version", "run_id", "stage", "done", "total")} == {
        "schema_version": 2,
        "run_id": "run-1",
        "stage": "features",
        "done": 7,
        "total": 40,
    }


def test_a_stage_that_counts_nothing_is_shown_while_it_runs(tmp_path: Path) -> None:
    follower = Progress(str(tmp_path), "run-1", io.StringIO())

    with follower.stage("list"):
        assert read(tmp_path)["stage"] == "list"


def test_every_stage_is_timed_under_its_name(tmp_path: Path) -> None:
    follower = Progress(str(tmp_path), "run-1", io.StringIO())
    done: Any = SimpleNamespace(value=0)

    with follower.stage("list"):
        pass
    with follower.counted_stage("features", 1, done):
        pass

    assert list(follower.seconds) == ["list", "features"]
    assert all(seconds >= 0 for seconds in follower.seconds.values())


def test_a_finished_run_says_so(tmp_path: Path) -> None:
    Progress(str(tmp_path), "run-1", io.StringIO()).finish(40)

    assert (read(tmp_path)["stage"], read(tmp_path)["done"]) == ("finished", 40)


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    Progress(str(tmp_path), "run-1", io.StringIO()).fail()

    assert read(tmp_path)["stage"] == "failed"


def test_only_the_first_write_may_fail_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_uri: str, _content: bytes) -> None:
        raise NotWrittenError("no", "no")

    follower = Progress(str(tmp_path), "run-1", io.StringIO())
    with follower.stage("list"):
        monkeypatch.setattr(storage, "write_bytes", refuse)
    with follower.stage("backbone"):
        pass

    with pytest.raises(NotWrittenError), Progress(str(tmp_path), "run-2", io.StringIO()).stage("list"):
        pass


def test_outside_a_terminal_a_stage_is_one_line(tmp_path: Path) -> None:
    said = io.StringIO()
    follower = Progress(str(tmp_path), "run-1", said)
    done: Any = SimpleNamespace(value=2009)

    with follower.counted_stage("features", 2009, done):
        pass

    assert said.getvalue().startswith("features: 2,009 photos in ")
    assert said.getvalue().count("\n") == 1


def test_in_a_terminal_a_bar_is_drawn(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    done: Any = SimpleNamespace(value=40)

    with Progress(str(tmp_path), "run-1", terminal).counted_stage("features", 40, done):
        pass

    assert "features: 100%" in terminal.getvalue()
    assert "40/40" in terminal.getvalue()


def test_times_are_utc_to_the_second() -> None:
    assert layout.utc_now(lambda: 0.9) == "1970-01-01T00:00:00Z"
