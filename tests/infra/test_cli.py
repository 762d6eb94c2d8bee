"""Tests of infra/cli.py: every command's help, and how failures are told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import cli
from infra.aws.client import Aws
from infra.commands import Command
from infra.context import Context
from infra.errors import WrongUseError
from tests.error_report import told


def test_the_commands_are_these_in_the_order_in_which_a_person_needs_them() -> None:
    assert [command.name for command in cli.COMMANDS] == [
        *("doctor", "cost", "export", "upload", "up", "scale", "run", "predict", "report", "status", "cancel"),
        *("logs", "ui", "results", "classify", "notebook", "evaluator", "destroy", "support-bundle", "local", "demo"),
    ]


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_the_help_of_a_command_fits_a_screen_and_shows_an_example_that_parses(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        cli.main([command.name, "--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    # The options of the job alone, in whole phrases, take three screens.
    assert len(shown.splitlines()) <= {"run": 84, "predict": 40}.get(command.name, 24)
    assert f"Example: {command.example}" in shown
    assert cli.parse(command.example.split()[1:]).command is command


def test_orchard_alone_shows_every_command_with_what_it_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert cli.main([]) == 0

    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 32
    text = " ".join(shown.split())
    for command in cli.COMMANDS:
        assert f" {command.name} {command.summary} " in text


@pytest.mark.parametrize(
    ("argv", "named"),
    [(["frobnicate"], "'frobnicate'"), (["results", "--frobnicate"], "--frobnicate"), (["scale", "1"], "MAX")],
)
def test_a_wrong_command_line_is_two_lines_and_exit_code_2(
    argv: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(argv)

    lines = told(capsys.readouterr().err)
    assert code == 2
    assert len(lines) == 2
    assert named in lines[0]


def test_a_failure_nobody_thought_of_is_two_lines_too_and_a_trace_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*_: object) -> int:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(cli, "_context", break_down)

    assert cli.main(["status"]) == 1
    message, hint = capsys.readouterr().err.splitlines()
    assert "odd" in message
    assert "[ORC-200]" in message
    assert "--debug" in hint
    cli.main(["status", "--debug"])
    assert "ZeroDivisionError: odd" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("orchard st", ["status"]), ("orchard run --th", ["--then-destroy"]), ("orchard upl", ["upload"])],
)
def test_a_shell_is_offered_the_words_that_may_come_next(typed: str, offered: list[str], tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "offered"),
        "COMP_LINE": typed,
        "COMP_POINT": str(len(typed)),
    }

    subprocess.run([sys.executable, "-m", "infra.cli"], env=environment, check=True)

    assert (tmp_path / "offered").read_text().split() == offered


def test_the_region_is_that_of_cdk_json_before_the_environments(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"context": {"region": "eu-west-3"}}')

    assert cli.default_region({"AWS_REGION": "us-east-1"}, tmp_path / "cdk.json") == "eu-west-3"
    assert cli.default_region({"AWS_REGION": "us-east-1"}, tmp_path / "none.json") == "us-east-1"
    with pytest.raises(WrongUseError) as raised:
        cli.default_region({}, tmp_path / "none.json")
    assert "--region" in raised.value.hint


@pytest.mark.usefixtures("s3_endpoint")
def test_credentials_are_never_printed_even_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-secret")

    code = cli.main(["results", "first", "--debug"], Context(lambda: Aws("eu-west-1")))

    said = capsys.readouterr()
    assert code == 2
    assert "wJalrXUtnFEMI-secret" not in said.out + said.err
