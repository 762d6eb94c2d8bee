"""Tests of job/spark/tasks.py on drawn photos, outside Spark."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from job.features.words import KINDS, Learning
from job.features.words.descriptors import LARGEST_SIDE, describer, descriptor_counts, stacked
from job.features.words.extractor import NO_KEYPOINTS, WordExtractor
from job.images import TRAIN, decode_at_own_size, listing
from job.results import layout
from job.spark.tasks import PhotosReport, PhotoTask, as_stream, extract_part

LEARNING = Learning(words=3, sample=100, iterations=1, seed=0)


class Counted:
    """Stands where Spark's accumulator does, outside Spark."""

    value = 0

    def add(self, count: int) -> None:
        self.value += count


@dataclass(frozen=True)
class BatchedExtractor(WordExtractor):
    """Describes photos several at a time, and notes how many."""

    batches: tuple[list[int], ...] = ([],)

    def load(self) -> Any:
        loaded = super().load()

        def process(photos: Any) -> Any:
            self.batches[0].append(len(photos))
            return loaded.process(photos)

        return replace(loaded, process=process, batch=3)


def run_task(extractor: WordExtractor, photos: pa.Table, output: Path, number: int = 0) -> tuple[PhotosReport, int]:
    """Run one task; return its report and how many photos it counted."""
    done: Any = Counted()
    task = PhotoTask(str(output), "run", extractor, extractor.provenance)
    return extract_part(task, done, (number, as_stream(photos))), done.value


@pytest.mark.parametrize("kind", list(KINDS))
def test_writes_descriptors_as_opencv_computes_them(kind: str, sample_photos: Path, tmp_path: Path) -> None:
    photos = listing.list_photos(str(sample_photos), TRAIN).slice(0, 6)

    report, done = run_task(WordExtractor(KINDS[kind], 50, True, LEARNING), photos, tmp_path)

    assert report.file is not None
    table = layout.read_parquet(str(tmp_path), report.file.path)
    expected = [
        describer(KINDS[kind], 50)(np.asarray(decode_at_own_size(Path(path).read_bytes(), LARGEST_SIDE)))
        for path in photos["path"].to_pylist()
    ]
    rows = stacked(table, KINDS[kind])
    assert descriptor_counts(table, KINDS[kind]).tolist() == [len(each) for each in expected]
    np.testing.assert_array_equal(rows, np.concatenate(expected))
    assert report.tally["training"] == len(rows) > 0
    assert done == 6
    assert report.used == {TRAIN: 6}


def test_photo_without_keypoints_is_rejected_or_kept(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "plain"
    folder.mkdir(parents=True)
    Image.new("RGB", (100, 100), "white").save(folder / "white.png")
    (folder / "empty.png").touch()
    photos = listing.list_photos(str(folder.parent), TRAIN)
    extractor = WordExtractor(KINDS["orb"], 50, False, LEARNING)

    rejecting, _ = run_task(extractor, photos, tmp_path)
    keeping, _ = run_task(replace(extractor, keep_empty=True), photos, tmp_path, number=1)

    def reasons(report: PhotosReport) -> dict[str, str]:
        assert report.rejected is not None
        rows = layout.read_parquet(str(tmp_path), report.rejected.path).to_pylist()
        return {Path(row["path"]).name: row["reason"] for row in rows}

    assert reasons(rejecting) == {"empty.png": "the file is empty", "white.png": NO_KEYPOINTS}
    assert (rejecting.file, rejecting.tally["empty"]) == (None, 0)
    assert reasons(keeping) == {"empty.png": "the file is empty"}
    assert (keeping.used, keeping.tally) == ({TRAIN: 1}, {"empty": 1, "training": 0})


def test_rejected_photos_do_not_shift_rows_in_batches(sample_photos: Path, tmp_path: Path) -> None:
    photos = listing.list_photos(str(sample_photos), TRAIN).slice(0, 9)
    problems = pa.array(["bad" if number in (1, 2, 8) else "" for number in range(9)])
    photos = photos.set_column(photos.schema.get_field_index("problem"), photos.schema.field("problem"), problems)
    extractor = BatchedExtractor(KINDS["orb"], 50, True, LEARNING)

    batched, done = run_task(extractor, photos, tmp_path / "batched")
    single, _ = run_task(WordExtractor(KINDS["orb"], 50, True, LEARNING), photos, tmp_path / "single")

    assert batched.file is not None
    assert single.file is not None
    rows = layout.read_parquet(str(tmp_path / "batched"), batched.file.path)
    assert rows == layout.read_parquet(str(tmp_path / "single"), single.file.path)
    assert rows["path"].to_pylist() == photos["path"].filter(pa.compute.equal(photos["problem"], "")).to_pylist()
    assert extractor.batches[0] == [3, 3]
    assert done == 9
