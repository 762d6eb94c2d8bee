"""Tests of job/results/layout.py."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from job.errors import OutputRefusedError, ResultsUnusableError, UsageError
from job.results import layout

RUN, OTHER_RUN = "20261120T110000-aaaaaaaa", "20261120T100000-bbbbbbbb"


def make(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return str(folder)


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_a_run_id_sorts_by_time_and_is_never_the_same() -> None:
    early, late = datetime(2026, 11, 20, 11, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)

    assert re.fullmatch(r"20261120T110000-[0-9a-f]{8}", layout.new_run_id(early))
    assert layout.new_run_id(early) < layout.new_run_id(late)
    assert layout.new_run_id(early) != layout.new_run_id(early)


def test_attempts_of_the_same_partition_write_different_files() -> None:
    names = {layout.data_file_name("features", RUN, 7, attempt, "parquet") for attempt in (3, 4)}

    assert names == {f"features/part-00007-{RUN}-3.parquet", f"features/part-00007-{RUN}-4.parquet"}


def test_a_table_comes_back_from_parquet_as_it_was(tmp_path: Path) -> None:
    table = pa.table(
        [["/a.jpg", "/b.jpg"], ["a", None], ["train", "predict"], [[1.5, -2.0], [0.1, 3.0]]],
        schema=layout.FEATURES_SCHEMA,
    )

    written = layout.write_parquet(str(tmp_path), "features/part.parquet", table)

    assert layout.read_parquet(str(tmp_path), "features/part.parquet").equals(table)
    assert (written.path, written.rows) == ("features/part.parquet", 2)
    assert written.bytes == (tmp_path / "features" / "part.parquet").stat().st_size


def test_csv_has_a_header_and_keeps_what_would_break_a_line(tmp_path: Path) -> None:
    table = pa.table({"path": ['/a,"b"\n.jpg'], "pc_1": pa.array([0.1], pa.float32())})

    layout.write_csv(str(tmp_path), "components.csv/part.csv", table)

    assert (tmp_path / "components.csv" / "part.csv").read_text() == '"path","pc_1"\n"/a,""b""\n.jpg",0.1\n'


@pytest.mark.parametrize(
    ("held", "named"),
    [
        (["manifest.json", "features/part.parquet"], "manifest.json, features"),
        (["features/part.parquet"], "features"),
        (["progress.json"], "progress.json"),
        (["report.html"], "report.html"),
        (["classifier/metrics.json"], "classifier"),
        (["quality/photos.csv"], "quality"),
    ],
)
def test_refuses_folder_with_any_file_of_the_layout(tmp_path: Path, held: list[str], named: str) -> None:
    output = make(tmp_path, *held)

    with pytest.raises(OutputRefusedError) as raised:
        layout.require_no_results(output)

    assert raised.value.message.endswith(f": {named}.")
    assert ("finished" in raised.value.message.split()) == ("manifest.json" in held)


def test_a_folder_with_other_files_or_none_may_be_written_to(tmp_path: Path) -> None:
    layout.require_no_results(make(tmp_path, "notes.txt", "photos/a/1.jpg"))
    layout.require_no_results(str(tmp_path / "not yet there"))


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = {"schema_version": 2, "labels": {"Pêche 🍑": 3}}

    layout.write_manifest(str(tmp_path), manifest)

    assert layout.read_manifest(str(tmp_path)) == manifest


def test_a_folder_without_a_manifest_is_told_to_be_unfinished(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        layout.read_manifest(str(tmp_path))

    assert raised.value.code == "ORC-130"


@pytest.mark.parametrize("version", [1, 99, None, "2"])
def test_refuses_manifest_of_other_schema_version(tmp_path: Path, version: object) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"schema_version": version}))

    with pytest.raises(ResultsUnusableError) as raised:
        layout.read_manifest(str(tmp_path))

    assert f"got {version}" in raised.value.message
    assert "--overwrite" in raised.value.hint


def test_sweep_deletes_only_uncounted_files_of_runs(tmp_path: Path) -> None:
    kept = f"features/part-00000-{RUN}-1.parquet"
    old = [f"features/part-00000-{OTHER_RUN}-0.parquet", f"components.csv/part-00000-{OTHER_RUN}-0-3.csv"]
    theirs = ["notes.txt", "images/a.jpg", "features/Kiwi.jpg", "components/Button.tsx", "classifier/mine.json"]
    output = make(tmp_path, kept, *old, *theirs, "progress.json")
    layout.write_manifest(output, {"schema_version": 2, "run_id": RUN})

    layout.sweep(output, [kept], RUN)

    assert files_in(tmp_path) == sorted([kept, *theirs, "manifest.json", "progress.json"])
    assert not (tmp_path / "components.csv").exists()


def test_sweep_deletes_leftover_classifier_and_components(tmp_path: Path) -> None:
    theirs = ["classifier/mine.json", "pca/notes.txt"]
    old = [
        "classifier/model.json",
        "classifier/model.npz",
        "classifier/distance.npz",
        "classifier/metrics.json",
        "classifier/confusion_matrix.csv",
    ]
    old += [f"classifier/predictions/part-00000-{OTHER_RUN}-0-1.parquet", "pca/explained_variance.csv"]
    old += ["quality/quality.json", "quality/photos.parquet", "quality/photos.csv"]
    output = make(tmp_path, *theirs, *old, "pca/projection.npz")
    layout.write_manifest(output, {"schema_version": 2, "run_id": RUN})

    layout.sweep(output, ["pca/projection.npz"], RUN)

    assert files_in(tmp_path) == sorted([*theirs, "manifest.json", "pca/projection.npz"])
    assert not (tmp_path / "classifier" / "predictions").exists()
    assert not (tmp_path / "quality").exists()


def test_sweep_touches_nothing_under_another_runs_manifest(tmp_path: Path) -> None:
    output = make(tmp_path, f"features/part-00000-{OTHER_RUN}-0.parquet")
    layout.write_manifest(output, {"schema_version": 2, "run_id": OTHER_RUN})

    layout.sweep(output, [], RUN)

    assert (tmp_path / f"features/part-00000-{OTHER_RUN}-0.parquet").exists()


def test_a_sweep_leaves_what_runs_of_a_later_second_have_written(tmp_path: Path) -> None:
    own, same, later = "20261120T110000-55555555", "20261120T110000-99999999", "20261120T110001-00000000"
    output = make(tmp_path, *(f"features/part-00000-{run}-0.parquet" for run in (own, same, later)))
    layout.write_manifest(output, {"schema_version": 2, "run_id": own})

    layout.sweep(output, [f"features/part-00000-{own}-0.parquet"], own)

    assert [run for run in (own, same, later) if (tmp_path / f"features/part-00000-{run}-0.parquet").exists()] == [
        own,
        later,
    ]


def test_a_run_is_known_to_have_written_data_by_its_files(tmp_path: Path) -> None:
    output = make(tmp_path, f"features/part-00000-{RUN}-1.parquet")

    assert layout.has_data(output, RUN)
    assert not layout.has_data(output, OTHER_RUN)


def test_a_discarded_run_leaves_an_empty_place(tmp_path: Path) -> None:
    output = make(tmp_path / "out", f"features/part-00000-{RUN}-1.parquet", "progress.json")

    layout.discard(output, RUN)

    assert list((tmp_path / "out").iterdir()) == []


def test_a_discarded_run_leaves_an_earlier_runs_results(tmp_path: Path) -> None:
    earlier = ["manifest.json", "progress.json", f"features/part-00000-{OTHER_RUN}-1.parquet", "pca/projection.npz"]
    output = make(tmp_path, *earlier, f"features/part-00000-{RUN}-1.parquet")

    layout.discard(output, RUN)

    assert files_in(tmp_path) == sorted(earlier)


def test_written_file_is_described_by_rows_and_bytes(tmp_path: Path) -> None:
    written = layout.write_file(str(tmp_path), "classifier/model.json", 3, b"{}\n")

    assert written == layout.DataFile("classifier/model.json", 3, 3)
    assert (tmp_path / "classifier" / "model.json").read_bytes() == b"{}\n"


def test_derived_file_is_named_after_its_source() -> None:
    source = layout.data_file_name(layout.FEATURES, RUN, 1, 7, "parquet")

    derived = layout.derived_file_name(layout.COMPONENTS_CSV, source, "csv")

    assert derived == f"components.csv/part-00001-{RUN}-7-0.csv"
    assert layout.run_of(derived) == RUN


def test_json_of_another_version_is_refused(tmp_path: Path) -> None:
    layout.write_file(str(tmp_path), layout.QUALITY, 1, layout.to_json({"schema_version": 1}))

    with pytest.raises(ResultsUnusableError):
        layout.read_json(str(tmp_path), layout.QUALITY)
