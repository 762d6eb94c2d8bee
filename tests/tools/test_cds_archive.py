"""Tests of tools/cds_archive.py with a real Java."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from job.spark import cds_archive
from tools.set_up import ROOT


@pytest.mark.slow
def test_archive_replaces_the_older_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "with a space"
    folder.mkdir()
    (folder / "spark-3.4.1-4.jsa").write_bytes(b"java")

    # Making it starts a Spark of its own.
    program = f"from pathlib import Path; from tools import cds_archive as it; it.make(Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)

    archive = cds_archive.find(folder)
    assert archive is not None
    assert list(folder.iterdir()) == [archive]


def test_session_loads_spark_classes_from_the_cds_archive(tmp_path: Path) -> None:
    log = tmp_path / "classes"
    environment = {**os.environ, "SPARK_SUBMIT_OPTS": f"-Xlog:class+load:file={log}"}

    start = "from job.spark import session; session.start('local[1]')"
    subprocess.run([sys.executable, "-c", start], cwd=ROOT, env=environment, check=True)

    loaded = [line for line in log.read_text().splitlines() if " org.apache.spark.SparkContext source:" in line]
    assert [line.rpartition("source: ")[2] for line in loaded] == ["shared objects file (top)"]
