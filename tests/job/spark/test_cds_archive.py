"""Tests of job/spark/cds_archive.py: which archive counts, and that Java takes no harm from one that does not fit."""

import subprocess
from pathlib import Path

import pyspark
import pytest

from job.spark import cds_archive
from job.spark.java import find_java_home


def archive_in(folder: Path, size: int, spark: str = pyspark.__version__) -> Path:
    """Write an archive of four bytes with a name that says another size, or the same."""
    archive = folder / f"spark-{spark}-{size}.jsa"
    archive.write_bytes(b"java")
    return archive


def test_an_archive_with_its_size_in_its_name_is_found(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, 4)

    assert cds_archive.find(tmp_path) == archive


@pytest.mark.parametrize(("size", "spark"), [(5, pyspark.__version__), (4, "3.4.1")])
def test_incomplete_or_foreign_archive_is_ignored(tmp_path: Path, size: int, spark: str) -> None:
    archive_in(tmp_path, size, spark)

    assert cds_archive.find(tmp_path) is None


def test_without_an_archive_java_starts_as_ever(tmp_path: Path) -> None:
    assert cds_archive.find(tmp_path / "none") is None
    assert cds_archive.java_options(None) == []


def test_java_ignores_foreign_archive_silently(tmp_path: Path) -> None:
    java = find_java_home()
    assert java is not None
    options = cds_archive.java_options(archive_in(tmp_path, 4))

    done = subprocess.run([java / "bin" / "java", *options, "--version"], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert done.stdout.startswith("openjdk 17")
