"""Tests of job/spark/workers.py."""

import subprocess
import sys
import zipfile
from pathlib import Path
from zipimport import zipimporter

import pytest

from job.spark.workers import unless_unchanged


def write_archive(path: Path, *modules: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for module in modules:
            archive.writestr(f"{module}.py", "")


def test_unchanged_archive_is_read_once(tmp_path: Path) -> None:
    # Given an archive that does not change
    write_archive(tmp_path / "code.zip", "first")
    importer = zipimporter(str(tmp_path / "code.zip"))
    read: list[str] = []
    invalidate = unless_unchanged(lambda archive: read.append(archive.archive))

    # When three tasks begin
    for _ in range(3):
        invalidate(importer)

    # Then only the first of them has read it
    assert read == [str(tmp_path / "code.zip")]


def test_a_changed_archive_is_read_again(tmp_path: Path) -> None:
    write_archive(tmp_path / "code.zip", "first")
    importer = zipimporter(str(tmp_path / "code.zip"))
    invalidate = unless_unchanged(zipimporter.invalidate_caches)
    invalidate(importer)

    write_archive(tmp_path / "code.zip", "first", "second")
    invalidate(importer)

    assert importer.find_spec("second") is not None


def test_a_deleted_archive_holds_nothing_any_more(tmp_path: Path) -> None:
    write_archive(tmp_path / "code.zip", "first")
    importer = zipimporter(str(tmp_path / "code.zip"))
    invalidate = unless_unchanged(zipimporter.invalidate_caches)
    invalidate(importer)

    (tmp_path / "code.zip").unlink()
    invalidate(importer)

    assert importer.find_spec("first") is None


HANGING = """
import time
from types import SimpleNamespace
from job.classifiers import predict as predictions
from job.pca import passes as reduction
from job.quality import labelled, leakage
from job.results import layout as results, resume
from job.features.words import kmeans as visual_words
from job.spark import workers

workers.LONGEST_SILENCE = 0.2
results.read_with_footer = resume.read_stamped = lambda *_: time.sleep(60)
file, shared = results.DataFile("folder/file.parquet", 1, 1), SimpleNamespace(value=None)
"""
"""A worker whose storage gives a file's first bytes and no others."""


@pytest.mark.parametrize(
    "task",
    [
        "reduction._project_file(reduction.ProjectionTask('out', False), shared, file, None)",
        "predictions._predict_file('out', shared, predictions.InputFile(file, file, {}), None, None)",
        "visual_words._count_file('out', shared, None, file)",
        "leakage._nearest('out', leakage._Task(0, [('features/part.parquet', [0])], 0, []))",
        "labelled._read_file('out', file, shared)",
    ],
    ids=["projection", "predictions", "histograms", "leakage", "labelled"],
)
def test_a_task_whose_storage_hangs_is_ended(task: str) -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING + task], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Timeout (0:00:00.200000)!")
