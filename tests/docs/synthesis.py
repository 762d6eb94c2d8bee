"""Synthesises the stacks for the worked examples of docs/changing-it.md, which run in a copy of the code."""

import tempfile
from pathlib import Path
from typing import Any

from tests.infra.synthesis import synthesise


def templates(**settings: object) -> dict[str, Any]:
    """Return the templates by name of stack, with settings that differ from cdk.json."""
    with tempfile.TemporaryDirectory() as folder:
        wheelhouse = Path(folder) / "wheelhouse.zip"
        wheelhouse.write_bytes(b"no wheels")
        made = synthesise(dict(settings), wheelhouse, Path(folder) / "cdk.out")
        return {stack: made.template(stack) for stack in made.stacks()}
