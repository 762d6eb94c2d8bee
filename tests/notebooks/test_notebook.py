"""Tests of notebooks/orchard.ipynb on this machine; tests/infra/runs/test_notebook.py has the cluster's."""

import ast
import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import orchard
from infra.runs import notebook
from job.errors import BackboneError, OrchardError, WeightsNotDownloadedError
from job.results import layout

PROJECT = notebook.SOURCE.parent.parent


def source(tag: str) -> str:
    """Return the source of the cell with a tag."""
    (cell,) = (cell for cell in notebook.read()["cells"] if cell["metadata"].get("tags") == [tag])
    return "".join(cell["source"])


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
        if cell.metadata.get("tags") == ["parameters"]:
            options = {"per_label": 4, "model": str(random_backbone), "classifier": "logistic", "holdout": 0.25}
            places = {"IMAGES": str(tmp_path / "photos"), "OUTPUT": str(tmp_path / "results"), "OPTIONS": options}
            cell.source = "\n".join(f"{name} = {value!r}" for name, value in places.items())

    # Set-up installs this checkout's modules for any folder; here they must be those of the tests.
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    nbclient.NotebookClient(read, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    counts = layout.read_manifest(str(tmp_path / "results"))["counts"]
    assert (counts["found"], counts["used"], counts["test"]) == (40, 40, 10)
    assert (tmp_path / "results" / "report.html").is_file()
    outputs = [output for cell in read.cells for output in cell.get("outputs", [])]
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 2
    assert "of 10 test photos correct" in outputs[-1]["text"]


def test_without_parameters_it_draws_photos(tmp_path: Path) -> None:
    values: dict[str, Any] = {}

    with contextlib.chdir(tmp_path):
        exec(source("parameters") + "\n" + source("sample-photos"), values)  # noqa: S102 - the notebook's own cells

    assert len(list((tmp_path / values["IMAGES"]).glob("*/*.jpg"))) == 200


def test_given_photos_are_used(tmp_path: Path) -> None:
    values: dict[str, Any] = {"IMAGES": "mine"}

    with contextlib.chdir(tmp_path):
        exec(source("sample-photos"), values)  # noqa: S102 - the notebook's own cell

    assert values["IMAGES"] == "mine"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "weights"), [(WeightsNotDownloadedError, [None, "random"]), (BackboneError, [None])])
def test_random_weights_replace_only_a_failed_download(
    error: type[OrchardError], weights: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def fails(**options: Any) -> None:
        asked.append(options.get("weights"))
        raise error("It failed.", "Do something.")

    monkeypatch.setattr(orchard, "run", fails)

    with pytest.raises(error):
        exec(source("run"), {"IMAGES": "photos", "OUTPUT": "results", "OPTIONS": {}})  # noqa: S102 - the notebook's own

    assert asked == weights


def test_make_notebook_starts_jupyter_from_its_own_environment() -> None:
    command = ["make", "-n", "notebook"]

    printed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    assert ".jupyter/bin/jupyter lab notebooks/orchard.ipynb" in printed


def test_notebook_is_kept_without_outputs() -> None:
    assert [
        cell["outputs"] for cell in notebook.read()["cells"] if cell["cell_type"] == "code" and cell["outputs"]
    ] == []


def test_notebook_imports_only_the_api_of_this_project() -> None:
    cells = ["".join(cell["source"]) for cell in notebook.read()["cells"] if cell["cell_type"] == "code"]
    nodes = list(ast.walk(ast.parse("\n".join(cells))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}

    drawing = {"pathlib", "infra.commands.sample_photos"}
    assert imported == {"orchard", "pyarrow", "pyarrow.compute", "matplotlib.pyplot", *drawing}
