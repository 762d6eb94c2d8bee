"""Tests of job/errors/console.py, and of where it is used: nothing from outside is obeyed by a terminal."""

import io
from pathlib import Path
from unittest.mock import Mock

import pytest

from infra import cli
from infra.context import Context
from job.__main__ import main
from job.errors import printable, printable_line
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
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    shown.encode()


def test_on_one_line_a_newline_cannot_forge_another() -> None:
    assert printable_line("a\nResults: here") == "a\\nResults: here"


def test_the_jobs_messages_obey_no_name_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "\x1b[2J\nResults: all is well"
    folder.mkdir()

    assert main(["--images", str(folder), "--output", str(tmp_path / "out"), "--weights", "random"]) == 2

    message, _ = capsys.readouterr().err.splitlines()
    assert f"'{tmp_path}/\\x1b[2J\\nResults: all is well'" in message
    assert message.endswith(" [ORC-110]")


def test_the_bars_lines_and_the_commands_obey_none_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoken = io.StringIO()
    Progress(str(tmp_path), "run", spoken).say("label \x1b[31m")
    Context(Mock(), terminal=spoken).say("label \x07")

    assert spoken.getvalue() == "label \\x1b[31m\nlabel \\x07\n"
    assert cli.main(["status", "one", "two \x1b[31m"]) == 2
    assert "\x1b" not in capsys.readouterr().err
