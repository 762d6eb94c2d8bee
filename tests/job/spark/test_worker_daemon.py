"""Tests of job/spark/worker_daemon.py: by itself, and of what a real Spark's workers have loaded."""

import importlib.util
import socket
import sys
from pathlib import Path
from unittest.mock import create_autospec
from zipfile import ZipFile

import pyarrow as pa
import pytest
from pyspark import SparkContext

from job.spark import worker_daemon


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an archive that comes first where Python looks for modules, and that it has looked into."""
    path = tmp_path / "spark.jar"
    with ZipFile(path, "w") as written:
        written.writestr("in_the_archive.py", "")
    monkeypatch.setattr(sys, "path", [str(path), *sys.path])
    monkeypatch.setattr(sys, "path_importer_cache", dict(sys.path_importer_cache))
    assert importlib.util.find_spec("in_the_archive") is not None
    return str(path)


def test_archives_are_looked_into_no_more(archive: str) -> None:
    others = [path for path in sys.path if not Path(path).is_file()]

    worker_daemon.leave_archives_out()

    assert sys.path == others
    assert archive not in sys.path_importer_cache


def test_a_spark_that_is_in_archives_alone_is_taken_from_there(archive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None if package == "py4j" else package)

    worker_daemon.leave_archives_out()

    assert sys.path == before
    assert archive in sys.path_importer_cache


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux can acknowledge at once")
def test_each_task_acknowledges_at_once_what_java_sends() -> None:
    calls: list[tuple[object, ...]] = []
    connection = create_autospec(socket.socket, instance=True)
    connection.setsockopt.side_effect = lambda *option: calls.append(option)

    def task(*given: object) -> int:
        calls.append(given)
        return 7

    assert worker_daemon.acknowledging(task)(connection, True) == 7
    assert calls == [(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1), (connection, True)]


def test_worker_starts_with_job_and_without_pandas(spark: SparkContext) -> None:
    def look(number: int) -> tuple[bool, bool, list[str]]:
        loaded = "job.features.network.extractor" in sys.modules
        pa.array([number])  # pyarrow wonders whether this is one of pandas'
        return loaded, "pandas" in sys.modules, [Path(path).name for path in sys.path if Path(path).is_file()]

    assert spark.parallelize([0], 1).map(look).collect() == [(True, False, [])]
