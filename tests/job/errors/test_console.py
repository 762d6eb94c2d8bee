"""Tests of job/errors/console.py, and of where it is used: nothing from outside is obeyed by a terminal."""

import io
from pathlib import Path
from unittest.mock import Mock

import pytest

from infra import cli
from infra.context import Context
from job.__main__ import main
from job.errors import another_output, did_you_mean, job_command, printable, printable_line, started_as
from job.results.progress import Progress


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Pêche 🍑, 日本語, tab\tand\nnewline", "Pêche 🍑, 日本語, tab\tand\nnewline"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("over\rwritten\x08", "over\\rwritten\\x08"),
        ("\x9b31m", "\\x9b31m"),
        ("photo\u202egpj.exe", "photo\\u202egpj.exe"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_escapes_what_a_terminal_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "hint"),
    [("--classifer", "Did you mean --classifier? "), ("rnu", "Did you mean run? "), ("--xy", ""), ("", "")],
)
def test_suggests_only_what_is_near(text: str, hint: str) -> None:
    assert did_you_mean(text, ["--on", "--classifier", "run", "report"]) == hint


def test_printed_commands_begin_with_the_program_started() -> None:
    with started_as("orchard"):
        assert job_command("report first") == "orchard report first"
    assert job_command("report first") == "python -m job report first"


def test_orchard_names_both_options_that_move_results() -> None:
    with started_as("orchard"):
        assert another_output() == "another --name or --output"
    assert another_output() == "another --output"


def test_newline_cannot_forge_a_line() -> None:
    assert printable_line("a\nResults: here") == "a\\nResults: here"


def test_escapes_file_names_in_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "\x1b[2J\nResults: all is well"
    folder.mkdir()

    assert main(["--images", str(folder), "--output", str(tmp_path / "out"), "--weights", "random"]) == 2

    error, hint = capsys.readouterr().err.splitlines()
    assert f"'{tmp_path}/\\x1b[2J\\nResults: all is well'" in error
    assert error.endswith("[ORC-110]")
    assert hint


def test_escapes_names_in_progress_and_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoken = io.StringIO()
    Progress(str(tmp_path), "run", spoken).say("label \x1b[31m")
    Context(Mock(), terminal=spoken).say("label \x07")

    assert spoken.getvalue() == "label \\x1b[31m\nlabel \\x07\n"
    assert cli.main(["status", "one", "two \x1b[31m"]) == 2
    assert "\x1b" not in capsys.readouterr().err
