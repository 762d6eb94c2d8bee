"""Tests of job/results/tables.py: one readable CSV file for each data set."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from job.matrices import FLOAT_LIST
from job.results import layout, tables
from job.results.layout import DataFile

LABELS = ("Apple", "Kiwi", "Plum, red")


def predictions(output: Path, name: str, rows: list[tuple[str, str | None, list[float]]]) -> DataFile:
    """Write a predictions file; a row is a path, its split and its probabilities."""
    best = [max(range(3), key=probabilities.__getitem__) for _, _, probabilities in rows]
    columns = {
        "path": [path for path, _, _ in rows],
        "label": [None if split == "predict" else "Kiwi" for _, split, _ in rows],
        "split": [split for _, split, _ in rows],
        "predicted": [LABELS[index] for index in best],
        "probability": [probabilities[index] for (_, _, probabilities), index in zip(rows, best, strict=True)],
        "probabilities": pa.array([probabilities for _, _, probabilities in rows], FLOAT_LIST),
        "distance": pa.array([1.5] * len(rows), pa.float32()),
    }
    return layout.write_parquet(str(output), name, pa.table(columns, schema=layout.PREDICTIONS_SCHEMA))


def test_predictions_are_one_csv_with_the_two_best_labels(tmp_path: Path) -> None:
    files = [
        predictions(tmp_path, "a.parquet", [("/b.jpg", "predict", [0.1, 0.2, 0.7]), ("/c.jpg", "test", [0.5, 0.5, 0])]),
        predictions(tmp_path, "b.parquet", [("/a.jpg", "predict", [0.0, 0.25, 0.75])]),
    ]

    written = tables.write_tables(str(tmp_path), [], [], files, LABELS)

    table = pd.read_csv(tmp_path / "predictions.csv")
    assert list(table["path"]) == ["/b.jpg", "/c.jpg", "/a.jpg"]
    assert list(table["predicted"]) == ["Plum, red", "Apple", "Plum, red"]
    assert list(table["second"]) == ["Kiwi"] * 3
    assert list(table["second_probability"]) == pytest.approx([0.2, 0.5, 0.25])
    assert table.columns[:6].to_list() == ["path", "label", "split", "predicted", "probability", "distance"]
    assert written.predicted == {"Plum, red": 2}
    assert written.files == [DataFile("predictions.csv", 3, (tmp_path / "predictions.csv").stat().st_size)]


def test_most_probable_label_is_second_after_unknown(tmp_path: Path) -> None:
    file = predictions(tmp_path, "a.parquet", [("/b.jpg", "predict", [0.1, 0.2, 0.7])])
    table = layout.read_parquet(str(tmp_path), file.path)

    readable = tables.readable_predictions(table.set_column(3, "predicted", pa.array(["unknown"])), LABELS)

    assert readable["second"].to_pylist() == ["Plum, red"]
    assert readable["second_probability"].to_pylist() == readable["probability"].to_pylist()


def test_components_are_joined_under_one_header(tmp_path: Path) -> None:
    parts = [
        layout.write_csv(str(tmp_path), f"components.csv/{name}.csv", pa.table({"path": paths, "pc_1": values}))
        for name, paths, values in (("0", ["/b", "/a"], [1.5, 2.5]), ("1", ["/c"], [3.5]))
    ]

    (written,) = tables.write_tables(str(tmp_path), [], parts, [], ()).files

    assert (written.path, written.rows) == ("pca/components.csv", 3)
    assert pd.read_csv(tmp_path / written.path).to_dict("list") == {"path": ["/b", "/a", "/c"], "pc_1": [1.5, 2.5, 3.5]}


def test_components_too_large_for_one_file_stay_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = layout.write_csv(str(tmp_path), "components.csv/0.csv", pa.table({"path": ["/a"], "pc_1": [1.5]}))
    monkeypatch.setattr(tables, "LARGEST_CSV", part.bytes - 1)

    assert tables.write_tables(str(tmp_path), [], [part], [], ()).files == []


def test_rejected_photos_are_one_csv(tmp_path: Path) -> None:
    rows = pa.table({"path": ["/a.jpg"], "reason": ["the file is empty"]}, schema=layout.REJECTED_SCHEMA)
    files = [layout.write_parquet(str(tmp_path), f"{name}.parquet", rows) for name in "ab"]

    made = tables.write_tables(str(tmp_path), files, [], [], ())

    (written,) = made.files
    assert (written.path, written.rows) == ("rejected.csv", 2)
    assert made.reasons == [tables.Reason("the file is empty", 2, "/a.jpg")]
    assert pd.read_csv(tmp_path / "rejected.csv").columns.to_list() == ["path", "reason"]


def test_reasons_that_differ_in_numbers_are_one() -> None:
    reasons = ["empty", "damaged: 1,234 bytes", "damaged: 5 bytes"]
    rejected = pa.table({"path": ["/1", "/2", "/3"], "reason": reasons})

    assert tables.count_reasons(rejected) == [
        tables.Reason("damaged: 1,234 bytes", 2, "/2"),
        tables.Reason("empty", 1, "/1"),
    ]


def test_writes_nothing_without_rows(tmp_path: Path) -> None:
    assert tables.write_tables(str(tmp_path), [], [], [], ()) == tables.Tables([], {}, [])
    assert list(tmp_path.iterdir()) == []
