"""An output with files that are not as this program wrote them: nothing of them is believed, and no run stumbles."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from job.errors import ResultsUnusableError
from job.images import listing
from job.results import layout, resume

RUN, OTHER = "20261120T110000-aaaaaaaa", "20261120T120000-bbbbbbbb"
PROVENANCE = {"model": "a hash", "precision": "float32"}
PHOTOS = ["/p/a/0.jpg", "/p/a/1.jpg"]


def photos() -> pa.Table:
    return listing.as_listing(PHOTOS, ["a", "a"], listing.TRAIN, [10, 10], ["", ""], ["v0", "v1"])


def write_features(folder: Path, run_id: str = RUN, footer: Any = None, paths: list[str] = PHOTOS) -> Path:
    """Write a data file of both photos, with a footer that says what it should unless another is given."""
    rows = len(paths)
    columns = [paths, ["a"] * rows, ["train"] * rows, [[1.0, 2.0]] * rows]
    said = {"provenance": PROVENANCE, "version": ["v0", "v1"]} if footer is None else footer
    name = layout.data_file_name(layout.FEATURES, run_id, 0, 0, "parquet")
    table = pa.table(columns, schema=layout.FEATURES_SCHEMA)
    layout.write_parquet(str(folder), name, table, {resume.STAMP: said if isinstance(said, str) else json.dumps(said)})
    return folder / name


def reused(folder: Path) -> int:
    return resume.find(str(folder), layout.FEATURES, PROVENANCE, photos())[1].reused


def test_file_with_same_provenance_is_reused(tmp_path: Path) -> None:
    write_features(tmp_path)

    assert reused(tmp_path) == 2


@pytest.mark.parametrize(
    "footer",
    [
        "no JSON",
        [],
        "null",
        {},
        {"provenance": None},
        {"provenance": [1], "version": ["v0", "v1"]},
        {"made_by": PROVENANCE, "version": ["v0", "v1"]},  # of schema_version 1
        {"provenance": PROVENANCE, "version": ["v0"]},
        {"provenance": PROVENANCE, "version": [0, {}]},
        {"provenance": PROVENANCE, "version": "v0"},
        {"provenance": {**PROVENANCE, "model": "another hash"}, "version": ["v0", "v1"]},
    ],
    ids=str,
)
def test_file_with_invalid_footer_is_not_reused(tmp_path: Path, footer: Any) -> None:
    write_features(tmp_path, footer=footer)

    assert reused(tmp_path) == 0


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_file_is_not_reused(tmp_path: Path, kept: int) -> None:
    file = write_features(tmp_path, OTHER)
    file.write_bytes(file.read_bytes()[:kept])
    assert reused(tmp_path) == 0

    write_features(tmp_path, RUN)
    assert reused(tmp_path) == 2


def test_file_truncated_after_find_leaves_photos_to_compute(tmp_path: Path) -> None:
    file = write_features(tmp_path)
    found, _ = resume.find(str(tmp_path), layout.FEATURES, PROVENANCE, photos())
    file.write_bytes(file.read_bytes()[:100])

    rows, rest = resume.earlier_rows(str(tmp_path), found, "features")

    assert rows is None
    assert rest["path"].to_pylist() == PHOTOS


def test_files_of_others_in_the_folder_are_passed_over_and_left(tmp_path: Path) -> None:
    write_features(tmp_path)
    theirs = ["notes.txt", "part-00000.parquet", f"part-00000-{RUN}-0.parquet.bak", "_SUCCESS", "sub/part.parquet"]
    for name in theirs:
        (tmp_path / "features" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "features" / name).write_text("theirs")
    (tmp_path / "features" / f"part-00001-{RUN}-0.parquet").mkdir()

    assert reused(tmp_path) == 2
    layout.write_manifest(str(tmp_path), {"schema_version": 2, "run_id": OTHER})
    layout.sweep(str(tmp_path), [], OTHER)
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file() and file.read_text() == "theirs") == (
        sorted(Path(name).name for name in theirs)
    )


def test_results_of_another_version_are_not_gone_on_with(tmp_path: Path) -> None:
    write_features(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema_version": 1}')

    with pytest.raises(ResultsUnusableError):
        reused(tmp_path)


def test_footer_of_schema_version_1_is_unknown_provenance(tmp_path: Path) -> None:
    write_features(tmp_path, footer={"made_by": PROVENANCE, "version": ["v0", "v1"]})

    _, found = resume.find(str(tmp_path), layout.FEATURES, PROVENANCE, photos())

    assert (found.reused, found.differently) == (0, {resume.UNKNOWN: 2})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\x00"])
def test_damaged_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)

    with pytest.raises(ResultsUnusableError):
        layout.read_manifest(str(tmp_path))
