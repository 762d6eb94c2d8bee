"""The types are checked of everything that this project uses, though mypy does not read the whole CDK."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MYPY = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]


def modules_that_mypy(follow_imports: str) -> set[str]:
    """Return the modules of the overrides with this setting."""
    overrides = (override for override in MYPY["overrides"] if override.get("follow_imports") == follow_imports)
    return {module for override in overrides for module in override["module"]}


def imported(source: str) -> Iterator[str]:
    """Yield every module that a source may mean: the module of `from x import y`, and x.y."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_modules_of_the_cdk_are_skipped() -> None:
    assert modules_that_mypy("skip") == {"aws_cdk.*"}


def test_mypy_reads_every_module_of_the_cdk_that_is_imported() -> None:
    sources = [file.read_text() for room in MYPY["files"] for file in (ROOT / room).rglob("*.py")]
    names = {name for source in sources for name in imported(source) if name.split(".")[0] == "aws_cdk"}
    used = {name for name in names if name.islower()}  # A name with capitals is a class

    assert {"aws_cdk.aws_s3", "aws_cdk.aws_emr"} < used
    assert used - modules_that_mypy("normal") == set()
