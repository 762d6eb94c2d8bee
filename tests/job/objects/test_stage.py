"""Tests of ``predict --multiple``: whole runs on drawn fruits pasted on a coloured background."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from job.errors import ResultsUnusableError
from job.objects import stage
from job.report import objects as shown
from job.results import layout
from job.spark.tasks import PhotosReport
from tests.job.whole_runs import Manifest, copy_in_splits, failure, run

pytestmark = pytest.mark.usefixtures("spark")

PLACED = {"Lemon": (30, 40, 100), "Apple Red": (210, 60, 110)}
"""Left, top and side of each fruit's photo in the composed one."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Path:
    """Return photos to fit, one of two fruits on green, and one of green alone."""
    folder = tmp_path_factory.mktemp("photos")
    copy_in_splits(sample_photos, folder)
    (folder / "new").mkdir()
    green = Image.new("RGB", (360, 220), (20, 120, 90))
    green.save(folder / "new" / "empty.png")
    for label, (left, top, side) in PLACED.items():
        fruit = Image.open(sample_photos / label / "000.jpg").resize((side, side))
        ImageDraw.floodfill(marked := fruit.copy(), (0, 0), (255, 0, 255), thresh=60)
        mask = (np.asarray(marked) != (255, 0, 255)).any(axis=2)
        green.paste(fruit, (left, top), Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)))
    green.save(folder / "new" / "two.png")
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, photos: Path, trained_backbone: Path) -> Path:
    """Return the results of a run with a classifier. Read only."""
    output = tmp_path_factory.mktemp("fitted") / "results"
    argv = ["--images", str(photos / "training"), "--model", str(trained_backbone), "--classifier", "discriminant"]
    run(output, *argv)
    return output


def predict(fitted: Path, photos: Path, output: Path, *words: str) -> Manifest:
    """Find objects, however improbable."""
    argv = ["--results", str(fitted), "--images", str(photos / "new"), "--multiple", "--reject-below", "0"]
    return run(output, "predict", *argv, *words)


def test_finds_fruits_and_resumes(fitted: Path, photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"

    manifest = predict(fitted, photos, output)

    found = pd.read_parquet(output / layout.OBJECTS)
    assert found.columns.tolist() == layout.OBJECTS_SCHEMA.names
    assert sorted(found["label"]) == sorted(PLACED)
    for row in found.itertuples():
        left, top, side = PLACED[row.label]
        assert Path(row.path).name == "two.png"
        assert (row.photo_width, row.photo_height) == (360, 220)
        # A drawn fruit fills four fifths of its photo or more.
        assert abs(row.left + row.width / 2 - left - side / 2) < side / 8
        assert abs(row.top + row.height / 2 - top - side / 2) < side / 8
        assert 0.6 * side < max(row.width, row.height) <= 1.05 * side
    table = pd.read_csv(output / layout.OBJECTS_TABLE)
    assert table["label"].tolist() == found["label"].tolist()
    described = manifest["objects"]
    assert (described["objects"], described["reused"]) == (2, 0)
    assert described["labels"] == dict.fromkeys(sorted(PLACED), 1)
    assert described["background"]["grey"] == 255
    assert [entry["path"] for entry in manifest["files"]["objects"]][:2] == [layout.OBJECTS, layout.OBJECTS_TABLE]
    assert '<section id="objects">' in (output / "report.html").read_text()

    again = predict(fitted, photos, output, "--resume")

    assert again["objects"] == {**described, "reused": 2}
    assert pd.read_parquet(output / layout.OBJECTS).equals(found)


def test_other_least_probability_searches_again(fitted: Path, photos: Path, tmp_path: Path) -> None:
    predict(fitted, photos, tmp_path / "out")
    argv = ["--results", str(fitted), "--images", str(photos / "new"), "--multiple", "--resume"]

    manifest = run(tmp_path / "out", "predict", *argv)

    assert manifest["objects"]["reused"] == 0
    assert manifest["objects"]["least_probability"] == stage.LEAST


def test_results_without_distances_find_no_objects(
    fitted: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(fitted, tmp_path / "earlier")
    (tmp_path / "earlier" / layout.DISTANCE).unlink()
    argv = ["predict", "--results", str(tmp_path / "earlier"), "--images", str(photos / "new"), "--multiple"]

    error = failure([*argv, "--output", str(tmp_path / "out")], capsys)

    assert type(error) is ResultsUnusableError
    assert error.message.startswith("--multiple ")
    assert not (tmp_path / "out").exists()


def test_flat_has_a_row_for_each_object() -> None:
    box = dict(zip(layout.BOX_SCHEMA.names, (1, 2, 3, 4, "Kiwi", 0.5, 10, 20), strict=True))
    rows = [("a", "x", []), ("b", "x", [box, {**box, "left": 7}])]
    photos = pa.table(
        [[path for path, _, _ in rows], pa.nulls(2, pa.string()), ["predict"] * 2, [boxes for *_, boxes in rows]],
        schema=layout.BOXES_SCHEMA,
    )

    assert stage.flat(photos).to_pylist() == [{"path": "b", **box}, {"path": "b", **box, "left": 7}]


def test_csv_has_one_header_with_and_without_objects(tmp_path: Path) -> None:
    box = dict(zip(layout.BOX_SCHEMA.names, (1, 2, 3, 4, "Kiwi", 0.5, 10, 20), strict=True))
    columns = [["a"], pa.nulls(1, pa.string()), ["predict"]]
    files = []
    for name, boxes in (("none", []), ("one", [box])):
        table = pa.table([*columns, [boxes]], schema=layout.BOXES_SCHEMA)
        files.append(layout.write_parquet(str(tmp_path), f"boxes/{name}.parquet", table))

    for written in (files[:1], files):
        reports = [PhotosReport(file, None, Counter(), Counter()) for file in written]
        listed = stage.write(str(tmp_path), stage.Found(reports, {}))
        assert listed[2:] == written
        assert pd.read_csv(tmp_path / layout.OBJECTS_TABLE)["label"].tolist() == ["Kiwi"] * (len(written) - 1)
    assert shown.read(str(tmp_path), [layout.OBJECTS], {"Kiwi": 1}) is not None


def test_report_reads_photos_with_their_boxes(tmp_path: Path) -> None:
    box = dict(zip(layout.BOX_SCHEMA.names, (1, 2, 3, 4, "Kiwi", 0.5, 10, 20), strict=True))
    rows = [{"path": f"/{number:02d}.jpg", **box} for number in range(40) for _ in range(2)]
    layout.write_parquet(str(tmp_path), layout.OBJECTS, pa.Table.from_pylist(rows, layout.OBJECTS_SCHEMA))

    found = shown.read(str(tmp_path), [layout.OBJECTS], {"Kiwi": 80})

    assert found is not None
    assert (found.photos, len(found.shown)) == (40, shown.PHOTOS_SHOWN)
    assert (found.shown[0].path, found.shown[-1].path) == ("/00.jpg", "/39.jpg")
    assert (found.shown[0].width, found.shown[0].height) == (10, 20)
    assert [(box["left"], box["top"], box["width"], box["height"]) for box in found.shown[0].boxes] == [
        (1, 2, 3, 4)
    ] * 2
    assert shown.read(str(tmp_path), [], {}) is None
