"""Tests of orchard.py, the Python API, on one run of drawn photos with random weights."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import orchard
from job import pipeline, storage
from job.arguments import Arguments
from job.errors import ResultsIncompleteError, ResultsUnusableError, UsageError
from job.results import layout
from tests.docs.pages import ROOT, blocks


@pytest.fixture(scope="module")
def first(
    tmp_path_factory: pytest.TempPathFactory, sample_photos: Path, random_backbone: Path
) -> Iterator[orchard.Results]:
    """Work in an empty folder, with a run of 10 labels, 3 training photos and 1 test photo each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("workspace"))
        yield orchard.run(
            images=sample_photos,
            name="first",
            model=random_backbone,
            classifier="logistic",
            holdout=0.25,
            components=5,
            csv=False,
            master="local[2]",
        )


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Arguments]:
    """Return the arguments with which the job was called; it then ends without results."""
    called: list[Arguments] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline, "run", called.append)
    return called


def test_run_writes_to_its_name_and_returns_tables(first: orchard.Results) -> None:
    assert first.path == str(Path("results", "first").absolute())
    assert first.manifest == layout.read_manifest(first.path)
    assert Path(first.path, layout.REPORT).is_file()
    assert first.features.schema.equals(layout.FEATURES_SCHEMA)
    assert first.components.schema.equals(layout.COMPONENTS_SCHEMA)
    assert len(first.features) == first.manifest["counts"]["used"] == 40
    assert first.components["path"] == first.features["path"]
    assert {len(row) for row in first.components["components"].to_pylist()} == {5}


def test_run_returns_explained_variance(first: orchard.Results) -> None:
    table = first.explained_variance

    assert table.column_names == ["component", "variance", "ratio", "cumulative"]
    assert table["cumulative"].type == pa.float64()
    assert table["cumulative"][4].as_py() == pytest.approx(first.manifest["components"]["variance_kept"])


def test_run_returns_metrics_and_predictions(first: orchard.Results) -> None:
    predictions = first.predictions.to_pandas()

    assert first.metrics["accuracy"] == (predictions["label"] == predictions["predicted"]).mean()
    assert first.metrics["evaluated_on"] == len(predictions) == 10
    assert set(predictions["split"]) == {"test"}
    assert {len(row) for row in predictions["probabilities"]} == {len(first.metrics["labels"])}


def test_tables_are_read_once(first: orchard.Results) -> None:
    assert first.features is first.features


def test_predict_applies_a_run_by_its_name(first: orchard.Results, sample_photos: Path, random_backbone: Path) -> None:
    second = orchard.predict(
        results="first", images=sample_photos, name="second", model=random_backbone, master="local[2]"
    )

    assert Path(second.path).name == "second"
    assert second.manifest["fitted"] == {"results": first.path, "run_id": first.manifest["run_id"]}
    predicted = second.predictions.to_pandas().set_index("path")["predicted"]
    tested = first.predictions.to_pandas().set_index("path")["predicted"]
    assert len(predicted) == 40
    assert predicted.loc[tested.index].equals(tested)
    with pytest.raises(ResultsUnusableError):
        _ = second.explained_variance


@pytest.mark.parametrize("place", ["first", "results/first", Path("results/first"), "results/first/"])
def test_load_results_takes_name_path_or_folder(first: orchard.Results, place: str | Path) -> None:
    loaded = orchard.load_results(place)

    assert (loaded.path, loaded.manifest) == (first.path, first.manifest)


def test_load_results_takes_an_s3_uri(first: orchard.Results, bucket: str) -> None:
    for file in storage.list_files(first.path):
        content = Path(first.path, file.inside).read_bytes()
        storage.write_bytes(f"s3://{bucket}/results/first/{file.inside}", content)

    loaded = orchard.load_results(f"s3://{bucket}/results/first")

    assert loaded.components.equals(first.components)


def test_load_results_refuses_a_folder_without_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ResultsUnusableError) as raised:
        orchard.load_results("missing")

    assert str(tmp_path / "missing") in raised.value.message


def test_missing_or_damaged_file_is_incomplete_results(first: orchard.Results, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(first.path, tmp_path / "copy"))
    for entry in first.manifest["files"]["features"]:
        (copy / entry["path"]).write_bytes(b"PAR1")
    (copy / layout.METRICS).unlink()
    loaded = orchard.load_results(copy)

    with pytest.raises(ResultsIncompleteError):
        _ = loaded.features
    with pytest.raises(ResultsIncompleteError):
        _ = loaded.metrics


def test_keywords_mean_what_options_mean(parsed: list[Arguments], tmp_path: Path) -> None:
    keywords: dict[str, Any] = {
        "labels": ["Apple", 'Plum, "red"'],
        "no_standardize": True,
        "csv": False,
        "resume": False,
        "overwrite": True,
        "max_rejected": None,
        "per_label": 3,
    }

    with pytest.raises(ResultsUnusableError):
        orchard.run(images=tmp_path, output=tmp_path / "out", **keywords)

    (given,) = parsed
    assert (given.images, given.output) == (str(tmp_path), str(tmp_path / "out"))
    assert given.labels == ("Apple", 'Plum, "red"')
    assert (given.standardize, given.csv, given.resume, given.overwrite) == (False, False, False, True)
    assert (given.max_rejected, given.per_label) == (None, 3)


def test_readme_example_is_a_valid_run(parsed: list[Arguments]) -> None:
    (example,) = (block.text for block in blocks(ROOT / "README.md") if block.language == "python")

    with pytest.raises(ResultsUnusableError):
        exec(example)  # noqa: S102 - the page's own lines

    assert [(given.output, given.classifier) for given in parsed] == [("results/first", "logistic")]


def test_labels_may_be_written_as_on_the_command_line(parsed: list[Arguments]) -> None:
    with pytest.raises(ResultsUnusableError):
        orchard.run(images="photos", name="new", labels="Apple,Avocado")

    assert [(given.labels, given.output) for given in parsed] == [(("Apple", "Avocado"), "results/new")]


def test_vocabulary_of_a_run_is_found_by_its_name(parsed: list[Arguments], tmp_path: Path) -> None:
    (tmp_path / "results" / "words").mkdir(parents=True)
    (tmp_path / "results" / "words" / layout.MANIFEST).touch()

    for given in ("words", tmp_path / "elsewhere"):
        with pytest.raises(ResultsUnusableError):
            orchard.run(images="photos", name="new", descriptor="orb", vocabulary=given)

    assert [given.vocabulary for given in parsed] == ["results/words", str(tmp_path / "elsewhere")]


@pytest.mark.parametrize(
    "keywords",
    [
        {"images": None},
        {"images": ""},
        {"images": True},
        {"holdout": 2},
        {"seed": -1},
        {"per_label": "many"},
        {"classifier": "svm"},
        {"master": "x"},
        {"overwrite": "yes"},
        {"resume": True, "overwrite": True},
        {"help": True},
        {"output": ""},
        {"name": "new", "output": "new"},
        {"name": "a b"},
        {"name": "../first"},
        {"name": ""},
    ],
)
def test_run_refuses_what_the_command_line_refuses(parsed: list[Arguments], keywords: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as raised:
        orchard.run(**{"images": "photos", **keywords})

    assert (raised.value.code, parsed) == ("ORC-101", [])


@pytest.mark.parametrize(("keyword", "meant"), [("clasifier", "classifier"), ("hold_out", "holdout")])
def test_unknown_keyword_names_the_nearest(keyword: str, meant: str) -> None:
    with pytest.raises(orchard.OrchardError) as raised:
        orchard.run(images="photos", **{keyword: "x"})

    assert raised.value.code == "ORC-101"
    assert keyword in raised.value.message
    assert meant in raised.value.hint


def test_module_run_as_a_program_is_the_command() -> None:
    words = [sys.executable, "-m", "orchard", "--help"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    assert shown.stdout.startswith("usage: orchard ")
