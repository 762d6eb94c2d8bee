"""Tests of infra/cli.py and infra/commandline.py: help, usage errors, and how failures are reported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import cli, commandline
from infra.aws.client import Aws
from infra.commands import Command
from infra.context import Context
from infra.errors import WrongUseError
from tests.error_report import codes, told


def test_commands_are_in_the_order_in_which_a_user_needs_them() -> None:
    assert [command.name for command in commandline.COMMANDS] == [
        *("run", "predict", "results", "quality", "report", "classify", "export"),
        *("doctor", "cost", "upload", "up", "scale", "status", "cancel", "logs", "ui", "notebook", "evaluator"),
        *("destroy", "support-bundle", "demo", "local"),
    ]


@pytest.mark.parametrize("command", commandline.COMMANDS, ids=lambda command: command.name)
def test_help_is_short_and_has_an_example_that_parses(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        cli.main([command.name, "--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    # The options of the job alone, in whole phrases, take three screens.
    assert len(shown.splitlines()) <= {"run": 93, "predict": 46, "results": 32}.get(command.name, 26)
    assert f"Example: {command.example}" in shown
    assert commandline.parse(command.example.split()[1:]).command is command


def test_orchard_alone_lists_every_command_with_its_summary(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert cli.main([]) == 0

    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 40
    text = " ".join(shown.split())
    for command in commandline.COMMANDS:
        assert f" {command.name} {command.summary} " in text


@pytest.mark.parametrize(
    ("argv", "named"),
    [(["frobnicate"], "'frobnicate'"), (["results", "--frobnicate"], "--frobnicate"), (["scale", "1"], "MAX")],
)
def test_a_usage_error_is_two_lines_and_exit_code_2(
    argv: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(argv)

    lines = told(capsys.readouterr().err)
    assert code == 2
    assert len(lines) == 2
    assert named in lines[0]


def test_an_unexpected_failure_has_a_traceback_only_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*_: object) -> int:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(commandline, "context_of", break_down)

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
def test_a_shell_gets_completions(typed: str, offered: list[str], tmp_path: Path) -> None:
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


def test_region_of_cdk_json_comes_before_the_environment(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"context": {"region": "eu-west-3"}}')

    assert commandline.default_region({"AWS_REGION": "us-east-1"}, tmp_path / "cdk.json") == "eu-west-3"
    assert commandline.default_region({"AWS_REGION": "us-east-1"}, tmp_path / "none.json") == "us-east-1"
    with pytest.raises(WrongUseError) as raised:
        commandline.default_region({}, tmp_path / "none.json")
    assert "--region" in raised.value.hint


@pytest.mark.parametrize(("typed", "meant"), [("eu-wset-1", "eu-west-1"), ("us-east1", "us-east-1")])
def test_an_unknown_region_is_refused_with_the_nearest(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["status", "--region", typed]) == 2

    assert capsys.readouterr().err.splitlines()[1].startswith(f"Did you mean {meant}?")


def test_parser_needs_neither_spark_nor_a_network() -> None:
    large = {"pyspark", "py4j", "tensorflow", "ai_edge_litert", "sklearn", "matplotlib"}
    program = "import sys, infra.commandline as c; c.parse(['status']); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert large & set(done.stdout.split()) == set()


def test_ctrl_c_while_the_commands_are_imported_is_one_report(tmp_path: Path) -> None:
    # Given an import that is interrupted
    (tmp_path / "argcomplete.py").write_text("raise KeyboardInterrupt")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(cli.__file__).parents[1]}"}

    ended = subprocess.run(
        [sys.executable, "-m", "infra.cli", "status"], env=environment, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, codes(ended.stderr)) == (130, ["ORC-203"])
    assert len(ended.stderr.splitlines()) == 2


@pytest.mark.usefixtures("s3_endpoint")
def test_credentials_are_never_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-secret")

    code = cli.main(["results", "first", "--debug"], Context(lambda: Aws("eu-west-1")))

    said = capsys.readouterr()
    assert code == 2
    assert "wJalrXUtnFEMI-secret" not in said.out + said.err
