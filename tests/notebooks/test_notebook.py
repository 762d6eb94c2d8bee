"""Tests of notebooks/orchard.ipynb, run as a person would run it; tests/infra/runs has JupyterHub's."""

import ast
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.runs import notebook
from job.results import layout

PROJECT = notebook.SOURCE.parent.parent


@pytest.mark.slow
def test_notebook_runs_to_its_last_cell(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient: Any = pytest.importorskip("nbclient", reason="needs nbclient: make setup")
    nbformat: Any = pytest.importorskip("nbformat", reason="needs nbformat: make setup")
    shutil.copytree(sample_photos, tmp_path / "photos")
    # A label that matplotlib would take for a formula, and a wrong one
    (tmp_path / "photos" / "Kiwi").rename(tmp_path / "photos" / r"$\wrong{$")
    read = nbformat.read(notebook.SOURCE, as_version=4)
    for cell in read.cells:
        if cell.metadata.get("tags") == ["settings"]:
            options = {"per_label": 3, "model": str(random_backbone)}
            places = {"IMAGES": str(tmp_path / "photos"), "OUTPUT": str(tmp_path / "results"), "OPTIONS": options}
            cell.source = "\n".join(f"{name} = {value!r}" for name, value in places.items())

    # Set-up installs this checkout's modules for any folder; here they must be those of the tests.
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    nbclient.NotebookClient(read, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    counts = layout.read_manifest(str(tmp_path / "results"))["counts"]
    assert (counts["found"], counts["used"]) == (30, 30)
    assert (tmp_path / "results" / "report.html").is_file()
    drawn = [
        output for cell in read.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(drawn) == 2


def test_notebook_is_kept_without_outputs() -> None:
    assert [
        cell["outputs"] for cell in notebook.read()["cells"] if cell["cell_type"] == "code" and cell["outputs"]
    ] == []


def test_notebook_imports_only_the_api_of_this_project() -> None:
    cells = ["".join(cell["source"]) for cell in notebook.read()["cells"] if cell["cell_type"] == "code"]
    nodes = list(ast.walk(ast.parse("\n".join(cells))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}

    assert imported == {"orchard", "pyarrow", "pyarrow.compute", "matplotlib.pyplot"}
