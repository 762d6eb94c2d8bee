"""Tests of infra/invocation.py."""

import ast
import re
from pathlib import Path

import pytest

from infra import cli, commandline, invocation


@pytest.mark.parametrize(
    ("profile", "region", "expected"),
    [
        (None, None, ("orchard status first", "cdk deploy Data")),
        ("work", None, ("orchard status first --profile work", "cdk deploy Data --profile work")),
        (
            "my work",
            "eu-west-3",
            (
                "orchard status first --profile 'my work' --region eu-west-3",
                "cdk deploy Data --profile 'my work' -c region=eu-west-3",
            ),
        ),
    ],
)
def test_commands_repeat_profile_and_region(profile: str | None, region: str | None, expected: tuple[str, str]) -> None:
    with invocation.given(profile, region):
        built = invocation.orchard("status first"), invocation.cdk("deploy Data")

    assert built == expected
    assert invocation.orchard("up") == "orchard up"


def test_every_printed_command_is_built() -> None:
    # Those that speak to AWS, in any text but docstrings, examples and help. The demonstration shows a local cloud; an
    # alert is a mail: it names its region, and nothing of the reader's options is known.
    local = {"classify", "demo", "export", "local", "report"}
    ours = "|".join({command.name for command in commandline.COMMANDS} - local)
    named = re.compile(rf"\b(orchard ({ours})|cdk (deploy|destroy) Orchard\w+)\b(?! --help)")
    written = []
    for file in sorted(Path(cli.__file__).parent.rglob("*.py")):
        tree = ast.parse(file.read_text())
        skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in ("details", "example", "help", "usage"):
                skipped |= {id(each) for each in ast.walk(node.value)}
        texts = [each for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        found = [text.value for text in texts if id(text) not in skipped and named.search(str(text.value))]
        written += [f"{file.name}: {text!r}" for text in found if file.name not in ("demonstration.py", "alerts.py")]
    assert written == []
