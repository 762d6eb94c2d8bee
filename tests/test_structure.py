"""Tests of the structure that docs/architecture.md describes: who may import whom, and how large modules may grow."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("job", "infra", "localcloud")
MOST_ENTRIES = 24
MOST_LINES = 400
LONGEST_TEST_NAME = 60

ABSENT_ON_NODES = (
    *("pandas", "tensorflow", "keras", "h5py", "boto3", "sklearn", "matplotlib", "cv2", "vl_convert"),
    *("infra", "localcloud", "orchard"),
)
"""Installed where the tests run, but not on every node of a cluster."""


@cache
def modules() -> dict[str, Path]:
    """Return every module by its name; a package has the name of its folder."""
    files = [*PROJECT.glob("orchard.py"), *(file for package in PACKAGES for file in (PROJECT / package).rglob("*.py"))]
    parts = {file: file.relative_to(PROJECT).with_suffix("").parts for file in files}
    return {".".join(names[:-1] if names[-1] == "__init__" else names): file for file, names in parts.items()}


@cache
def tree(name: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(modules()[name].read_text())


@cache
def imported(name: str) -> frozenset[str]:
    """Return the modules of this project that a module names in its imports, also in those inside functions."""
    named: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= {member if member in modules() else str(node.module) for member in members}
    return frozenset(named & modules().keys())


def stage_of(name: str) -> str:
    """Return the package or the module directly in job, infra or localcloud that a module belongs to."""
    return ".".join(name.split(".")[:2])


def is_package(name: str) -> bool:
    """Return whether a name is one of a folder."""
    return name in modules() and modules()[name].name == "__init__.py"


@cache
def public_names(package: str) -> frozenset[str]:
    """Return what a package's ``__all__`` lists, and what its docstring calls "public too": modules that need Spark."""
    names: set[str] = set()
    for sentence in (ast.get_docstring(tree(package)) or "").split("."):
        if "public too" in " ".join(sentence.split()):
            names |= set(re.findall(r"``(\w+)``", sentence))
    for node in tree(package).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names |= set(ast.literal_eval(node.value))
    return frozenset(names)


def inner_imports() -> set[str]:
    """Return the modules that other packages import and that are not public.

    Public are packages, the modules directly in job, infra and localcloud, and the ``public_names`` of a package.
    """
    targets = {target for name in modules() for target in imported(name) if stage_of(name) != stage_of(target)}
    inner = {target for target in targets if target.count(".") > 1 and not is_package(target)}
    return {target for target in inner if target.rpartition(".")[2] not in public_names(target.rpartition(".")[0])}


def stage_imports() -> dict[str, set[str]]:
    """Return which stages each stage imports."""
    graph: dict[str, set[str]] = {}
    for name in modules():
        targets = {stage_of(target) for target in imported(name)}
        graph.setdefault(stage_of(name), set()).update(targets - {stage_of(name)})
    return graph


def defined(name: str) -> set[str]:
    """Return the names that a module binds at its top."""
    bound: set[str] = set()
    for node in tree(name).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            bound |= {ast.unparse(target) for target in getattr(node, "targets", [getattr(node, "target", None)])}
    return bound


def longer_modules() -> set[str]:
    """Return the modules with too many lines."""
    return {name for name, file in modules().items() if len(file.read_text().splitlines()) > MOST_LINES}


def cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the nodes of one cycle of a graph, none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def run_python(code: str) -> tuple[int, str, str]:
    """Run code in another process; return its exit code and what it printed."""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROJECT)
    return ended.returncode, ended.stdout, ended.stderr


def test_setup_installs_every_package() -> None:
    installed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]

    assert (sorted(installed["packages"]), installed["py-modules"]) == (sorted(PACKAGES), ["orchard"])


def test_modules_import_in_one_direction() -> None:
    assert cycle({name: imported(name) for name in modules()}) == []


@pytest.mark.parametrize(
    ("package", "never"),
    [("job", {"infra", "localcloud", "orchard"}), ("localcloud", {"job", "infra", "orchard"}), ("infra", {"orchard"})],
)
def test_top_level_packages_keep_apart(package: str, never: set[str]) -> None:
    names = [name for name in modules() if name.split(".")[0] == package]

    assert {(name, target) for name in names for target in imported(name) if target.split(".")[0] in never} == set()


def test_packages_import_in_one_direction() -> None:
    assert cycle(stage_imports()) == []


def test_packages_import_only_public_modules() -> None:
    assert inner_imports() == set()


def test_public_names_exist() -> None:
    missing = [
        f"{package}.{name}"
        for package in filter(is_package, modules())
        for name in public_names(package)
        if f"{package}.{name}" not in modules() and name not in defined(package)
    ]

    assert missing == []


def test_job_is_a_folder_to_take_in_at_a_glance() -> None:
    entries = [entry for entry in (PROJECT / "job").iterdir() if entry.name != "__pycache__"]

    assert len(entries) <= MOST_ENTRIES


def test_modules_fit_their_largest_size() -> None:
    assert longer_modules() == set()


def test_names_of_tests_have_at_most_60_characters() -> None:
    names = {
        f"{file.relative_to(PROJECT)}::{node.name}"
        for file in (PROJECT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > LONGEST_TEST_NAME
    }

    assert names == set()


def test_packages_load_neither_tensorflow_nor_spark() -> None:
    names = sorted(filter(is_package, modules()))
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(name)
    loaded = {{"pyspark", "tensorflow", "keras"}} & sys.modules.keys()
    assert not loaded, (name, loaded)
"""

    assert run_python(code) == (0, "", "")


@pytest.mark.parametrize(
    "module",
    ["job.__main__", "job.classifiers.lbfgs", "job.classifiers.trees", "job.features.words.kmeans", "job.predict"],
)
def test_job_starts_without_what_nodes_do_not_have(module: str) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({ABSENT_ON_NODES})); import {module}"

    assert run_python(code) == (0, "", "")


def test_run_without_a_classifier_does_not_load_spark_ml() -> None:
    code = "import sys, job.__main__; print([name for name in sys.modules if name.startswith('pyspark.ml')])"

    assert run_python(code) == (0, "[]\n", "")
