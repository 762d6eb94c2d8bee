"""Compares what two runs have come to: to the last bit."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from job.results import layout

Whole = tuple[Path, dict[str, Any]]
"""A finished run: its output and its manifest."""


def assert_same(one: Whole, other: Whole) -> None:
    """Assert the same features of every photo, the same fitted numbers and classifier, the same counts."""
    assert features(one) == features(other)
    for name in ("pca/projection.npz", "classifier/model.npz", "classifier/distance.npz"):
        assert arrays(one, name) == arrays(other, name)
    assert (one[1]["counts"], one[1]["labels"]) == (other[1]["counts"], other[1]["labels"])


def features(whole: Whole) -> dict[str, list[float]]:
    """Return the features by the last three parts of the photo's path, asserting that no photo is there twice."""
    output, manifest = whole
    tables = [layout.read_parquet(str(output), entry["path"]) for entry in manifest["files"]["features"]]
    rows = [row for table in tables for row in table.to_pylist()]
    found = {"/".join(row["path"].rsplit("/", 3)[1:]): row["features"] for row in rows}
    assert len(found) == len(rows) == manifest["counts"]["used"]
    return found


def arrays(whole: Whole, name: str) -> dict[str, Any]:
    """Return the arrays of a file of the results; of one that is not there, none."""
    file = whole[0] / name
    if not file.exists():
        return {}
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as saved:
        return {key: saved[key].tolist() for key in saved.files}
