"""Tests of job/results/resume.py, by itself and in whole runs that take up what an earlier one has left."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.commands.sample_photos import draw_photo
from job import arguments, pipeline
from job.__main__ import main
from job.errors import UsageError
from job.images import TEST, TRAIN, Identity
from job.images.listing import as_listing
from job.results import layout, resume
from job.results.resume import Found
from tests.error_report import values
from tests.job.bad_photos import write_bad_and_odd_photos

pytestmark = pytest.mark.usefixtures("spark", "several_files")

Manifest = dict[str, Any]
Whole = tuple[Path, Manifest]
"""A finished run: its output and its manifest."""

RUN, LATER_RUN = "20261120T110000-aaaaaaaa", "20261120T120000-bbbbbbbb"
IDENTITY = Identity("d1", "t1")
NETWORK = {
    "model": "5ha",
    "precision": "float32",
    "views": 1,
    "transform": "none",
    "decode": "exact",
    "decoding": 1,
    "versions": {"pillow": "11"},
}


def listed(versions: dict[str, str], split: str = TRAIN) -> pa.Table:
    count = len(versions)
    return as_listing(list(versions), ["a"] * count, split, [1] * count, [""] * count, list(versions.values()))


def leave(
    output: Path,
    versions: dict[str, str],
    provenance: dict[str, Any],
    *,
    run: str = RUN,
    part: int = 0,
    value: float = 0,
) -> str:
    """Write a features file as a task does: of each photo two values, the second its place in the file."""
    photos = listed(versions)
    rows = [[value, float(number)] for number in range(len(photos))]
    made = pa.table([photos["path"], photos["label"], photos["split"], rows], schema=layout.FEATURES_SCHEMA)
    rows_table = resume.with_rows_columns(made, photos, [IDENTITY] * len(made))
    name = layout.data_file_name("features", run, part, 0, "parquet")
    return layout.write_parquet(str(output), name, made, resume.stamp(provenance, rows_table)).path


def found_in(output: Path, photos: pa.Table, provenance: dict[str, Any] = NETWORK) -> tuple[list[Any], Found]:
    placed, found = resume.find(str(output), "features", provenance, photos)
    rows = placed.select(["path", "earlier_file", "earlier_row"]).to_pylist()
    return [(row["path"], row["earlier_file"], row["earlier_row"]) for row in rows], found


def test_rows_of_same_version_and_provenance_are_reused(tmp_path: Path) -> None:
    first = leave(tmp_path, {"/a": "1", "/b": "1"}, NETWORK)
    second = leave(tmp_path, {"/c": "1", "/gone": "1"}, NETWORK, part=1)

    placed, found = found_in(tmp_path, listed({"/a": "1", "/b": "changed", "/c": "1", "/new": "1"}))

    assert placed == [("/a", first, 0), ("/b", None, None), ("/c", second, 0), ("/new", None, None)]
    assert (found.reused, found.listed, found.changed, found.removed) == (2, 4, 1, 1)
    assert found.as_manifest() == {"reused": 2, "computed": 2, "removed": 1}


def test_of_two_runs_rows_the_one_of_the_right_version_is_taken(tmp_path: Path) -> None:
    old = leave(tmp_path, {"/a": "1", "/b": "1"}, NETWORK)
    new = leave(tmp_path, {"/a": "2", "/b": "1"}, NETWORK, run=LATER_RUN)

    assert found_in(tmp_path, listed({"/a": "1", "/b": "1"}))[0] == [("/a", old, 0), ("/b", new, 1)]
    assert found_in(tmp_path, listed({"/a": "2", "/b": "1"}))[0] == [("/a", new, 0), ("/b", new, 1)]


@pytest.mark.parametrize(
    ("changed", "how"),
    [
        ({"model": "other"}, "by another model"),
        ({"precision": "int8"}, "at another precision"),
        ({"decode": "scaled"}, "with another --decode"),
        ({"views": 3}, "with another number of views"),
        ({"transform": "sqrt"}, "with another --feature-transform"),
        ({"decoding": 2}, "under other rules of decoding"),
        ({"versions": {"pillow": "12"}}, "with other versions of libraries"),
    ],
)
def test_rows_of_other_provenance_are_not_reused(changed: dict[str, Any], how: str, tmp_path: Path) -> None:
    leave(tmp_path, {"/a": "1", "/b": "1"}, NETWORK | changed)

    placed, found = found_in(tmp_path, listed({"/a": "1", "/b": "1"}))

    assert [file for _, file, _ in placed] == [None, None]
    ((reason, rows),) = found.differently.items()
    assert rows == 2
    assert how.rpartition(" ")[2] in reason
    assert f"2 were made {reason}" in str(found)


def test_files_without_provenance_or_damaged_are_not_reused(tmp_path: Path) -> None:
    silent = layout.data_file_name("features", RUN, 1, 0, "parquet")
    layout.write_parquet(str(tmp_path), silent, pa.table({"path": ["/a"]}))
    cut = tmp_path / leave(tmp_path, {"/b": "1"}, NETWORK)
    cut.write_bytes(cut.read_bytes()[:-100])
    (tmp_path / layout.data_file_name("features", RUN, 2, 0, "parquet")).touch()

    placed, found = found_in(tmp_path, listed({"/a": "1", "/b": "1"}))

    assert [file for _, file, _ in placed] == [None, None]
    assert found.differently == {resume.UNKNOWN: 1}


def test_files_of_other_names_are_nobodys_features(tmp_path: Path) -> None:
    left = tmp_path / leave(tmp_path, {"/a": "1"}, NETWORK)
    left.rename(left.with_name("mine.parquet"))

    assert found_in(tmp_path, listed({"/a": "1"}))[0] == [("/a", None, None)]


def test_missing_output_has_nothing_to_reuse(tmp_path: Path) -> None:
    placed, found = found_in(tmp_path / "none", listed({"/a": "1"}))

    assert placed == [("/a", None, None)]
    assert found == Found("features", 1, 0, 0, {}, 0)


def test_reused_rows_get_label_split_and_order_of_listing(tmp_path: Path) -> None:
    leave(tmp_path, {"/a": "1", "/c": "1"}, NETWORK, value=7)
    photos, _ = resume.find(str(tmp_path), "features", NETWORK, listed(dict.fromkeys(["/a", "/b", "/c"], "1"), TEST))

    earlier, rest = resume.earlier_rows(str(tmp_path), photos, "features")
    made = pa.table([["/b"], ["a"], [TEST], [[0.0, 0.0]]], schema=layout.FEATURES_SCHEMA)
    described = resume.with_rows_columns(made, rest, [Identity("d2", "t2")])
    rows = resume.in_order(photos, described, earlier)

    assert rest["path"].to_pylist() == ["/b"]
    reused = {"label": "a", "split": TEST, "version": "1", "digest": "d1", "thumbnail": "t1"}
    computed = {**reused, "digest": "d2", "thumbnail": "t2"}
    assert rows.to_pylist() == [
        {"path": "/a", "features": [7, 0], **reused},
        {"path": "/b", "features": [0, 0], **computed},
        {"path": "/c", "features": [7, 1], **reused},
    ]


def test_rows_of_removed_files_are_left_to_compute(tmp_path: Path) -> None:
    vanished = leave(tmp_path, {"/a": "1"}, NETWORK)
    leave(tmp_path, {"/b": "1"}, NETWORK, part=1)
    photos, _ = resume.find(str(tmp_path), "features", NETWORK, listed({"/a": "1", "/b": "1"}))
    (tmp_path / vanished).unlink()

    earlier, rest = resume.earlier_rows(str(tmp_path), photos, "features")

    assert earlier is not None
    assert earlier["path"].to_pylist() == ["/b"]
    assert rest["path"].to_pylist() == ["/a"]


# Whole runs


@pytest.fixture
def photos(tmp_path: Path, sample_photos: Path) -> Path:
    """Return a folder with 40 photos, 10 labels, that a test may change."""
    return Path(shutil.copytree(sample_photos, tmp_path / "photos"))


@pytest.fixture
def words(photos: Path, tmp_path: Path, random_backbone: Path) -> list[str]:
    return words_of(photos, random_backbone, tmp_path / "results")


def words_of(photos: Path, model: Path, output: Path) -> list[str]:
    given = ["--images", str(photos), "--model", str(model), "--components", "3", "--no-csv"]
    return [*given, "--output", str(output)]


def run(words: list[str], *more: str) -> Manifest:
    return pipeline.run(arguments.parse([*words, *more]))


def quiet(words: list[str], output: Path, *more: str) -> tuple[Path, Manifest]:
    """Run the same into another output, from the beginning."""
    return output, run([*words, *more, "--output", str(output)])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path, random_backbone: Path) -> Whole:
    """Return what a run over the same photos comes to that nothing disturbs."""
    output = tmp_path_factory.mktemp("undisturbed") / "results"
    return output, run(words_of(sample_photos, random_backbone, output))


@pytest.fixture
def finished(undisturbed: Whole, sample_photos: Path, random_backbone: Path, tmp_path: Path) -> list[str]:
    """Return the words of a run that has finished, with its results in a folder of the test's own."""
    shutil.copytree(undisturbed[0], tmp_path / "results")
    return words_of(sample_photos, random_backbone, tmp_path / "results")


def stop_before(stage: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run until a function of the pipeline is called, and no further."""

    def stopped(*_: object) -> None:
        raise RuntimeError("the driver has died")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, stage, stopped)
        with pytest.raises(Exception, match="the driver has died"):
            run(words)


def lose_some_features(output: Path) -> int:
    """Delete every second features file, as if their tasks had not ended; return how many photos are left."""
    files = sorted((output / "features").iterdir())
    for file in files[::2]:
        file.unlink()
    return sum(pq.read_metadata(file).num_rows for file in files[1::2])


def make_unreadable(photos: Path) -> None:
    """Replace each photo's content so that only its size and time are left: whoever reads it again will notice."""
    for photo in photos.rglob("*.jpg"):
        before = photo.stat()
        photo.write_bytes(b"x" * before.st_size)
        os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))


def features(output: Path, manifest: Manifest) -> dict[str, list[float]]:
    """Return the features by the end of the photo's path, which is the same in a copy of the folder."""
    tables = [layout.read_parquet(str(output), entry["path"]) for entry in manifest["files"]["features"]]
    rows = [row for table in tables for row in table.to_pylist()]
    assert len({row["path"] for row in rows}) == len(rows)
    return {"/".join(row["path"].rsplit("/", 2)[1:]): row["features"] for row in rows}


def projection(output: Path) -> dict[str, Any]:
    with np.load(io.BytesIO((output / "pca" / "projection.npz").read_bytes()), allow_pickle=False) as saved:
        return {name: saved[name].tolist() for name in saved.files}


def assert_same(one: tuple[Path, Manifest], other: tuple[Path, Manifest]) -> None:
    """Assert that two runs have come to the same features and components, to the last bit."""
    assert features(*one) == features(*other)
    assert projection(one[0]) == projection(other[0])
    assert (one[1]["counts"], one[1]["labels"]) == (other[1]["counts"], other[1]["labels"])


def test_resume_reads_no_computed_photo_again(
    words: list[str],
    photos: Path,
    undisturbed: Whole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "results"
    stop_before("fit", words, monkeypatch)
    make_unreadable(photos)

    assert main([*words, "--resume"]) == 0

    manifest = json.loads((output / "manifest.json").read_text())
    said = capsys.readouterr()
    assert ["40", "40", "0"] in [values(line)[:3] for line in said.err.splitlines()]
    assert "40 photos reused" in said.out
    assert manifest["resumed"] == {"reused": 40, "computed": 0, "removed": 0}
    assert_same((output, manifest), undisturbed)
    there = {str(file.relative_to(output)) for file in output.rglob("*") if file.is_file()}
    assert there == {entry["path"] for entries in manifest["files"].values() for entry in entries} | {
        "manifest.json",
        "progress.json",
    }


def test_resume_computes_missing_photos_to_the_same_bits(
    words: list[str], undisturbed: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before("fit", words, monkeypatch)
    left = lose_some_features(tmp_path / "results")

    manifest = run(words, "--resume")

    assert manifest["resumed"] == {"reused": left, "computed": 40 - left, "removed": 0}
    assert 0 < left < 40
    assert_same((tmp_path / "results", manifest), undisturbed)


def test_repeated_resume_gives_the_same_bits(
    words: list[str], undisturbed: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before("fit", words, monkeypatch)
    lose_some_features(tmp_path / "results")

    for stage in ("project_photos", "write_components", "build_manifest"):
        stop_before(stage, [*words, "--resume"], monkeypatch)
        assert not (tmp_path / "results" / "manifest.json").exists()
    manifest = run(words, "--resume")

    assert manifest["resumed"] == {"reused": 40, "computed": 0, "removed": 0}
    assert_same((tmp_path / "results", manifest), undisturbed)


def test_resume_handles_new_changed_and_removed_photos(
    words: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(words)
    draw_photo("Kiwi", 20, np.random.default_rng(1)).save(photos / "Kiwi" / "new.jpg", "JPEG")
    shutil.copy(photos / "Kiwi" / "001.jpg", photos / "Pear" / "000.jpg")
    (photos / "Banana" / "003.jpg").unlink()

    manifest = run(words, "--resume")

    # Of 40 photos 38 are reused and 2 computed, one of them a changed one; 1 was removed
    assert ["38", "40", "2", "1", "1"] in list(map(values, capsys.readouterr().err.splitlines()))
    assert manifest["run_id"] != first["run_id"]
    assert not {entry["path"] for entry in first["files"]["features"]} & {
        str(file.relative_to(tmp_path / "results")) for file in (tmp_path / "results").rglob("*")
    }
    assert_same((tmp_path / "results", manifest), quiet(words, tmp_path / "quiet"))


def test_other_fit_arguments_reuse_every_feature(finished: list[str], tmp_path: Path) -> None:
    others = ["--components", "5", "--no-standardize", "--per-label", "3"]

    manifest = run(finished, "--resume", *others)

    assert manifest["resumed"] == {"reused": 30, "computed": 0, "removed": 10}
    assert_same((tmp_path / "results", manifest), quiet(finished, tmp_path / "quiet", *others))


def test_another_model_computes_every_photo_again(
    finished: list[str], tmp_path: Path, random_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(random_backbone.read_bytes() + b"\0")

    manifest = run(finished, "--resume", "--model", str(other))

    assert "(40 " in capsys.readouterr().err
    assert manifest["resumed"] == {"reused": 0, "computed": 40, "removed": 0}


def test_rejected_photos_are_tried_again(words: list[str], photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bad_and_odd_photos(photos / "Kiwi", (photos / "Kiwi" / "000.jpg").read_bytes())
    stop_before("fit", words, monkeypatch)

    manifest = run(words, "--resume")

    assert (manifest["counts"]["used"], manifest["counts"]["rejected"]) == (45, 4)
    assert manifest["resumed"] == {"reused": 45, "computed": 4, "removed": 0}


def test_impossible_resume_leaves_finished_results(finished: list[str], tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in (tmp_path / "results").rglob("*.parquet")}

    with pytest.raises(UsageError):
        run(finished, "--resume", "--components", "500")

    assert {file: file.read_bytes() for file in (tmp_path / "results").rglob("*.parquet")} == before
    assert (tmp_path / "results" / "manifest.json").exists()


def test_resume_reuses_descriptors_for_the_same_words(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "--images",
        str(photos),
        "--descriptor",
        "orb",
        "--visual-words",
        "3",
        "--word-iterations",
        "2",
        "--no-csv",
    ]
    words += ["--no-keypoints", "zero", "--output", str(tmp_path / "results")]
    whole = quiet(words, tmp_path / "quiet")
    stop_before("fit", words, monkeypatch)
    make_unreadable(photos)

    manifest = run(words, "--resume")

    assert manifest["resumed"] == {"reused": 40, "computed": 0, "removed": 0}
    assert manifest["vocabulary"] == whole[1]["vocabulary"]
    assert_same((tmp_path / "results", manifest), whole)


def test_a_prediction_is_resumed_too(words: list[str], photos: Path, tmp_path: Path) -> None:
    run(words)
    predict = ["predict", "--results", str(tmp_path / "results"), "--images", str(photos), "--no-csv"]
    predict += ["--model", words[3], "--output", str(tmp_path / "predicted")]
    assert main(predict) == 0
    (tmp_path / "predicted" / "manifest.json").unlink()
    make_unreadable(photos)

    assert main([*predict, "--resume"]) == 0

    manifest = json.loads((tmp_path / "predicted" / "manifest.json").read_text())
    assert manifest["resumed"] == {"reused": 40, "computed": 0, "removed": 0}
