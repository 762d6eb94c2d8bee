"""Tests of job/report/predicted.py, and of the report of a prediction."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from job.report import LANGUAGES, findings, page, predicted
from job.report.messages import Messages
from job.report.predicted import Prediction
from job.results import layout
from tests.job.report import synthetic
from tests.job.report.conftest import HOSTILE


def test_reads_labels_probabilities_and_least_certain(tmp_path: Path) -> None:
    rows = {
        "path": ["/a.jpg", "/new\nline.jpg", "/c.jpg", "/tested.jpg"],
        "label": [None, None, None, "Kiwi"],
        "split": ["predict", "predict", "predict", "test"],
        "predicted": ["NA", "Kiwi", "NA", "Kiwi"],
        "probability": pa.array([1, 0.25, 0.5, 0.1], pa.float32()),
        "second": ["Kiwi", "NA", "Kiwi", "NA"],
        "second_probability": pa.array([0, 0.125, 0.25, 0.1], pa.float32()),
    }
    layout.write_csv(str(tmp_path), layout.PREDICTIONS_TABLE, pa.table(rows))

    read = predicted.read(str(tmp_path), [layout.PREDICTIONS_TABLE], ["/new\nline.jpg", "/other.jpg"])

    assert read is not None
    assert (read.labels, read.photos, read.uncertain) == ({"NA": 2, "Kiwi": 1}, 3, 1)
    assert read.bins == [0, 0, 1, 0, 0, 1, 0, 0, 0, 1]
    assert [photo.path for photo in read.least_certain] == ["/new\nline.jpg", "/c.jpg", "/a.jpg"]
    assert read.least_certain[0] == Prediction("/new\nline.jpg", "Kiwi", 0.25, "NA", 0.125)
    assert read.of == {"/new\nline.jpg": "Kiwi"}


def test_reads_nothing_of_test_photos_alone(tmp_path: Path) -> None:
    assert predicted.read(str(tmp_path), [], []) is None
    columns = {name: ["x"] for name in ("path", "label", "predicted", "second")}
    table = pa.table({**columns, "split": ["test"], "probability": [0.5], "second_probability": [0.5]})
    layout.write_csv(str(tmp_path), layout.PREDICTIONS_TABLE, table)
    assert predicted.read(str(tmp_path), [layout.PREDICTIONS_TABLE], []) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_prediction_report_shows_predictions_not_the_fit(tmp_path: Path, language: str) -> None:
    manifest = synthetic.write_prediction(synthetic.Run(HOSTILE, test=5), tmp_path)

    found = findings.read(str(tmp_path), manifest)
    made = page.render(found, {}, Messages(language), script="")

    assert found.cumulative is None
    assert sorted(label or "" for label in found.photos.labels) == sorted(HOSTILE * 5)
    assert re.findall(r'<section id="(\w+)">', made) == ["run", "predictions", "scatter", "rejected", "time"]
    assert re.findall(r'<a href="#(\w+)">', made) == ["run", "predictions", "scatter", "rejected", "time"]
    assert made.count('class="card"') == predicted.UNCERTAIN_SHOWN
    assert "/results/first" in made
    assert made.count("<script") == made.count("</script>") == 3
    assert "<img" not in made


def test_prediction_without_a_classifier_shows_components(tmp_path: Path) -> None:
    manifest = synthetic.write_prediction(synthetic.Run(("a", "b"), test=5), tmp_path)
    del manifest["files"]["tables"]

    made = page.render(findings.read(str(tmp_path), manifest), {}, Messages("en"), script="")

    assert re.findall(r'<section id="(\w+)">', made) == ["run", "scatter", "rejected", "time"]


def test_run_with_photos_to_predict_shows_them_too(tmp_path: Path) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b")), tmp_path / "run")
    listed = synthetic.write_prediction(synthetic.Run(("a", "b")), tmp_path / "prediction")["files"]["tables"]
    (tmp_path / "prediction" / "predictions.csv").rename(tmp_path / "run" / "predictions.csv")
    manifest["files"]["tables"] = listed

    found = findings.read(str(tmp_path / "run"), manifest)

    assert found.predicted is not None
    assert found.predicted.photos == 4
    assert found.cumulative is not None
