"""Tests of job/options.py: what its help says, and how its parsers refuse arguments."""

import argparse
import re

import pytest

from job import options
from job.errors import UsageError
from tests.error_report import values

PARSERS = [options.run_parser(), options.predict_parser(), options.report_parser()]
NEEDED = ["--images", "photos", "--output", "results"]


def refused(argv: list[str], parser: argparse.ArgumentParser | None = None) -> UsageError:
    """Return the error for a command line."""
    with pytest.raises(UsageError) as raised:
        (parser or options.run_parser()).parse_args(argv)
    return raised.value


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: str(parser.prog))
def test_explains_every_option_in_words(parser: argparse.ArgumentParser) -> None:
    texts = {action.dest: str(action.help) for action in parser._actions}

    assert [name for name, text in texts.items() if len(text.split()) < 3 or text.startswith("default")] == []


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: str(parser.prog))
def test_help_ends_with_an_example_that_parses(parser: argparse.ArgumentParser) -> None:
    example = next(line for line in str(parser.epilog).splitlines() if line.startswith(f"  {parser.prog}"))

    assert parser.parse_args(example.removeprefix(f"  {parser.prog}").split())


def test_help_of_the_job_names_predict_and_report() -> None:
    usage = options.run_parser().format_usage()

    assert re.findall(r"python -m job ([a-z]+)", usage) == ["predict", "report"]


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["--imags", "photos", "--output", "results"], "--images"),
        ([*NEEDED, "--classifer=tree"], "--classifier"),
        ([*NEEDED, "--classifier", "logstic"], "logistic"),
    ],
)
def test_names_the_nearest_option_or_value(argv: list[str], meant: str) -> None:
    error = refused(argv)

    assert error.code == "ORC-101"
    assert f" {meant}? " in error.hint
    assert error.hint.endswith(": python -m job --help")


@pytest.mark.parametrize("argv", [[*NEEDED, "--frobnicate"], [*NEEDED, "photos"], ["--images"]])
def test_suggests_nothing_that_is_not_near(argv: list[str]) -> None:
    assert refused(argv).hint == "See: python -m job --help"


def test_shows_the_example_of_a_command_without_suggestion() -> None:
    parser = options.Parser(prog="orchard classify")
    parser.example = "orchard classify photo.jpg --mobile fruits.tflite"
    parser.add_argument("--mobile", required=True)

    assert parser.example in refused([], parser).hint
    assert parser.example not in refused(["--mobli", "file"], parser).hint


def test_accepts_the_start_of_an_option() -> None:
    assert options.run_parser().parse_args([*NEEDED, "--classifi", "tree"]).classifier == "tree"


def test_takes_what_follows_two_dashes_as_a_value() -> None:
    assert options.report_parser().parse_args(["--", "--results"]).results == "--results"


def test_refuses_a_word_where_a_number_is_required() -> None:
    error = refused([*NEEDED, "--components", "many"])

    assert (error.code, values(error.message)) == ("ORC-101", ["--components", "many"])
