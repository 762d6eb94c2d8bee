"""The worked examples of docs/changing-it.md apply to the code as it is, and do what the page says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "changing-it.md"
COPIED = (
    "app.py",
    "cdk.json",
    "pyproject.toml",
    "infra",
    "job",
    "localcloud",
    "tests/__init__.py",
    "tests/docs",
    "tests/infra",
)


def examples() -> dict[str, tuple[str, str]]:
    """Return patch and check of each example, by the title of its section."""
    sections = PAGE.read_text().split("\n## ")[1:]
    titles = [section.split("\n")[0] for section in sections]
    patches = [block.text for block in blocks(PAGE) if block.language == "diff"]
    checks = [block.text for block in blocks(PAGE) if block.language == "python"]
    return dict(zip(titles, zip(patches, checks, strict=True), strict=True))


def test_there_is_an_example_of_each_kind() -> None:
    assert list(examples()) == ["A backbone", "A classifier", "A stack", "A setting"]


@pytest.mark.parametrize("title", examples())
def test_an_example_applies_and_does_what_it_says(title: str, tmp_path: Path) -> None:
    patch, check = examples()[title]
    # Given a copy of the code
    for name in COPIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    check_file = tmp_path / "check.py"
    check_file.write_text(check)

    # When the example is put onto it
    applied = subprocess.run(
        ["git", "apply", "--unidiff-zero", "-"], cwd=tmp_path, input=patch, capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, applied.stderr

    # Then its check passes there
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(check_file)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_its_patch_an_examples_check_fails() -> None:
    _, check = examples()["A backbone"]

    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "'convnext_base'" in done.stderr
