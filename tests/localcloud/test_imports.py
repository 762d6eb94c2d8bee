"""The local cloud imports neither the job nor the deployment: it receives what it must know as arguments."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import localcloud

PACKAGE = Path(localcloud.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
PIN = re.compile(r"^([\w-]+)(?:\[\w+\])?==(\S+)", re.MULTILINE)


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_subpackage_is_looked_at() -> None:
    assert {"cloudformation", "emr", "iam", "moto_patches", "steps"} <= {file.parent.name for file in MODULES}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_neither_job_nor_infra(file: Path) -> None:
    assert {name.split(".")[0] for name in imported(file)} & {"job", "infra"} == set()


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("cloudformation", {"cloudformation"}),
        ("iam", {"iam", "clients"}),
        ("emr", {"emr"}),
        ("steps", {"steps", "emr", "clients", "runtime"}),
        ("moto_patches", {"moto_patches", "emr"}),
    ],
)
def test_subpackages_import_one_way(package: str, allowed: set[str]) -> None:
    found = {name for file in (PACKAGE / package).rglob("*.py") for name in imported(file)}
    assert {name.split(".")[1] for name in found if name.startswith("localcloud.")} <= allowed


def pins(file: Path) -> dict[str, str]:
    """Return the versions that a requirements file pins, by the name of the package."""
    return dict(PIN.findall(file.read_text()))


def test_its_requirements_are_what_it_imports_in_the_projects_versions() -> None:
    own = pins(PACKAGE / "requirements.txt")
    found = {name.split(".")[0] for file in MODULES for name in imported(file)}
    others = found - sys.stdlib_module_names - {"localcloud", "mypy_boto3_s3"}

    assert {{"yaml": "pyyaml"}.get(name, name) for name in others} == set(own)
    assert own.items() <= pins(PACKAGE.parent / "requirements.txt").items()
