"""Tests of infra/follow_up.py: a printed command can be copied and speaks to the account of the first one."""

import ast
import re
from pathlib import Path

import pytest

from infra import cli
from infra.follow_up import Given

BOTH = Given("work", "eu-west-3")
ROOT = Path(cli.__file__).parent
CALLING = [
    file
    for part in ("commands", "upload", "runs", "pricing", "teardown", "aws")
    for file in (ROOT / part).rglob("*.py")
    if file.name != "demonstration.py"
]
"""What calls AWS for a command; the demonstration calls a cloud of its own."""


@pytest.mark.parametrize(
    ("printed", "copied"),
    [
        ("Fetch them: orchard results first", "Fetch them: orchard results --profile work --region eu-west-3 first"),
        ("Make a new one: orchard up", "Make a new one: orchard up --profile work --region eu-west-3"),
        (
            "Come back: orchard status a --follow    Cancel it: orchard cancel a",
            (
                "Come back: orchard status --profile work --region eu-west-3 a --follow    "
                "Cancel it: orchard cancel --profile work --region eu-west-3 a"
            ),
        ),
        (
            "make it anew: cdk destroy OrchardData, then cdk deploy OrchardData",
            (
                "make it anew: cdk destroy OrchardData --profile work -c region=eu-west-3, "
                "then cdk deploy OrchardData --profile work -c region=eu-west-3"
            ),
        ),
    ],
)
def test_a_printed_command_repeats_what_was_given(printed: str, copied: str) -> None:
    assert BOTH.repeated_in(printed) == copied


@pytest.mark.parametrize(
    "printed",
    [
        "--master yarn is not for orchard run: the job runs on the cluster.",
        "See orchard cost --help",
        "Start it: orchard local up",
        "Take over: aws s3 sync s3://a/images s3://b/images --profile work",
    ],
)
def test_other_words_stay(printed: str) -> None:
    assert BOTH.repeated_in(printed) == printed


def test_only_what_was_given_is_repeated_and_a_shell_reads_it_as_it_was() -> None:
    line = "Make one: orchard up"

    assert Given().repeated_in(line) == line
    assert Given(region="eu-west-3").repeated_in(line) == "Make one: orchard up --region eu-west-3"
    assert Given(profile="my work").repeated_in(line) == "Make one: orchard up --profile 'my work'"


def test_every_command_that_is_printed_stands_where_it_is_found() -> None:
    # Of ours, those that speak to AWS, in any text but docstrings, examples and what is not there to be copied
    names = {command.name for command in cli.COMMANDS} - {"classify", "demo", "export", "local"}
    named = re.compile(rf"(.{{0,6}})\borchard ({'|'.join(names)})\b(?! --help)")
    others = []
    for file in CALLING:
        tree = ast.parse(file.read_text())
        skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        skipped |= {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "example"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                others += [found[2] for found in named.finditer(node.value) if not found[1].endswith(": ")]
    # "--master yarn is not for orchard run", the same of --output, and what stacks.deploy_command puts after a colon
    assert others == ["run", "run", "up"]
