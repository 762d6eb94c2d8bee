"""Tests of job/features/words/task.py on drawn photos, outside Spark."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from job.features.words.descriptors import KINDS, LARGEST_SIDE, describer
from job.features.words.task import DescriptorsReport, DescriptorsTask, describe_partition, stacked
from job.images import TRAIN, decode_at_own_size, listing
from job.results import layout
from job.spark.tasks import as_stream


class Counted:
    """Stands where Spark's accumulator does, outside Spark."""

    value = 0

    def add(self, count: int) -> None:
        self.value += count


@pytest.mark.parametrize("kind", list(KINDS))
def test_task_writes_descriptors_as_opencv_has_them(kind: str, sample_photos: Path, tmp_path: Path) -> None:
    photos = listing.list_photos(str(sample_photos), TRAIN).slice(0, 6)
    task = DescriptorsTask(str(tmp_path), "run", kind, 50, keep_empty=True)
    done = Counted()

    report = describe_partition(task, done, (0, as_stream(photos)))  # type: ignore[arg-type]

    assert report.photos.made is not None
    table = layout.read_parquet(str(tmp_path), report.photos.made.path)
    expected = [
        describer(KINDS[kind], 50)(decode_at_own_size(Path(path).read_bytes(), LARGEST_SIDE))
        for path in photos["path"].to_pylist()
    ]
    rows, counts = stacked(table, KINDS[kind])
    assert counts.tolist() == [len(each) for each in expected]
    np.testing.assert_array_equal(rows, np.concatenate(expected))
    assert report.training == len(rows) > 0
    assert done.value == 6
    assert report.photos.used == {TRAIN: 6}


def test_rejects_or_keeps_photo_without_keypoints_as_requested(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "plain"
    folder.mkdir(parents=True)
    Image.new("RGB", (100, 100), "white").save(folder / "white.png")
    (folder / "empty.png").touch()
    photos = as_stream(listing.list_photos(str(folder.parent), TRAIN))
    task = DescriptorsTask(str(tmp_path), "run", "orb", 50, keep_empty=False)

    rejecting = describe_partition(task, Counted(), (0, photos))  # type: ignore[arg-type]
    keeping = describe_partition(replace(task, keep_empty=True), Counted(), (1, photos))  # type: ignore[arg-type]

    def reasons(report: DescriptorsReport) -> dict[str, str]:
        assert report.photos.rejected is not None
        rows = layout.read_parquet(str(tmp_path), report.photos.rejected.path).to_pylist()
        return {Path(row["path"]).name: row["reason"] for row in rows}

    assert reasons(rejecting) == {"empty.png": "the file is empty", "white.png": "no keypoints were found in it"}
    assert (rejecting.photos.made, rejecting.empty) == (None, 0)
    assert reasons(keeping) == {"empty.png": "the file is empty"}
    assert (keeping.photos.used, keeping.empty, keeping.training) == ({TRAIN: 1}, 1, 0)
