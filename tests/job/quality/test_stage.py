"""Tests of job/quality/stage.py and photos.py: what is said, listed and written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from job.quality import stage
from job.quality.duplicates import Copies
from job.quality.leakage import Nearest
from job.quality.photos import of_copies, worst_first
from job.quality.sentences import leakage_sentence, sentences
from job.results import layout

NEAREST = Nearest(["/t1", "/t2", "/t3", "/t4"], list("aabb"), ["/1"] * 4, list("aaab"), np.array([0.96, 0.9, 1, 0.95]))


def copies() -> list[Any]:
    """Return photos to check: /3 is a copy with another label, /4 one in test, /5 one of the same label and split."""
    photos = pa.table(
        {
            "path": [f"/{number}" for number in range(6)],
            "label": ["a", "b", "a", "b", "b", "a"],
            "split": ["train", "train", "train", "train", "test", "train"],
        }
    )
    original = np.array([-1, -1, -1, 0, 1, 2])
    same = np.array([False, False, False, False, True, True])
    return of_copies(photos, Copies(original, same, np.array([1, 1, 1, 0.99612345, 1, 1]), 0, compared=True))


def test_copies_with_two_labels_come_first() -> None:
    found = worst_first(copies())

    assert [(photo.path, photo.kind, photo.score, photo.related_path) for photo in found] == [
        ("/3", "near_duplicate", 0.9961, "/0"),
        ("/4", "duplicate", 1.0, "/1"),
        ("/5", "duplicate", 1.0, "/2"),
    ]
    counted = stage.count_kinds(found)
    assert (counted["duplicate"], counted["near_duplicate"], counted["label"], counted["outlier"]) == (2, 1, 0, 0)
    assert (counted["copies_with_two_labels"], counted["copies_in_two_splits"]) == (1, 1)


def test_leakage_has_accuracy_with_and_without_near_duplicates() -> None:
    found = stage.describe_leakage(NEAREST, 4, {"/t1": True, "/t2": False, "/t3": True, "/t4": True})

    assert found == {
        "threshold": 0.95,
        "test": 4,
        "examined": 4,
        "near_duplicates": 3,
        "share": 0.75,
        "accuracy": 0.75,
        "accuracy_without": 0.0,
    }
    said = leakage_sentence(found)
    assert said.startswith("75% of the test photos have a near-duplicate in training")
    assert "without them is 0.0%, with them 75.0%" in said


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"accuracy": None, "accuracy_without": None}, "0.95)."),
        ({"accuracy_without": None}, "no accuracy without them"),
        ({"examined": 2}, "the 2 examined test photos"),
        ({"near_duplicates": 0}, "None of the test photos"),
    ],
)
def test_leakage_is_said_as_far_as_it_is_known(changed: dict[str, Any], part: str) -> None:
    found = stage.describe_leakage(NEAREST, 4, dict.fromkeys(NEAREST.paths, True))

    assert part in leakage_sentence({**found, **changed})


def test_photos_to_check_are_counted_by_kind() -> None:
    description = {
        "leakage": None,
        "photos": {**stage.count_kinds(copies()), "label": 1500},
        "duplicates": {"thumbnails_compared": False},
    }

    to_check, not_searched = sentences(description)
    assert "2 duplicates, 1 near-duplicate, 1,500 suspected labels;" in to_check
    assert to_check.endswith("another label than the original: 1.")
    assert "not searched" in not_searched


def test_first_pairs_are_of_different_labels() -> None:
    assert [pair["path"] for pair in stage.worst_pairs(NEAREST)] == ["/t3", "/t1", "/t4"]


def test_writes_the_list_twice_and_what_the_report_shows(tmp_path: Path) -> None:
    found = stage.Found({"photos": {}}, worst_first(copies()), stage.worst_pairs(NEAREST))

    files = stage.write(str(tmp_path), found)

    assert [(file.path, file.rows) for file in files[:2]] == [(layout.QUALITY_PHOTOS, 3), (layout.QUALITY_TABLE, 3)]
    table = layout.read_parquet(str(tmp_path), layout.QUALITY_PHOTOS)
    assert table.column_names == ["path", "kind", "score", "related_path"]
    assert pyarrow.csv.read_csv(tmp_path / layout.QUALITY_TABLE).to_pylist() == table.to_pylist()
    shown = json.loads((tmp_path / layout.QUALITY).read_text())
    assert [photo["path"] for photo in shown["examples"]] == ["/3", "/4", "/5"]
    assert shown["pairs"][0] == {"path": "/t3", "label": "b", "score": 1, "related_path": "/1", "related_label": "a"}


def test_empty_list_is_written_too(tmp_path: Path) -> None:
    stage.write(str(tmp_path), stage.Found({}, [], []))

    assert layout.read_parquet(str(tmp_path), layout.QUALITY_PHOTOS).num_rows == 0
    assert (tmp_path / layout.QUALITY_TABLE).read_text() == '"path","kind","score","related_path"\n'
