"""The requirements of the local cloud are what it imports, in the project's versions."""

import ast
import re
import sys
from pathlib import Path

import localcloud

PACKAGE = Path(localcloud.__file__).parent
PIN = re.compile(r"^([\w-]+)(?:\[\w+\])?==(\S+)", re.MULTILINE)
PACKAGE_OF = {"yaml": "pyyaml"}


def imported() -> set[str]:
    """Return the packages that the local cloud imports and that Python does not bring."""
    nodes = [node for file in PACKAGE.rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"localcloud", "mypy_boto3_s3"}


def pins(file: Path) -> dict[str, str]:
    """Return the versions that a requirements file pins, by the name of the package."""
    return dict(PIN.findall(file.read_text()))


def test_requirements_are_what_is_imported_in_the_same_versions() -> None:
    own = pins(PACKAGE / "requirements.txt")

    assert {PACKAGE_OF.get(name, name) for name in imported()} == set(own)
    assert own.items() <= pins(PACKAGE.parent / "requirements.txt").items()
