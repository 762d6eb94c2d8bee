"""Tests of runs that are interrupted, or lose a process, in the middle: real processes, real signals."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from job.__main__ import main
from job.spark import session
from tests.error_report import codes, told

LONGEST_WAIT = 60.0
"""Seconds until a process counts as hanging."""


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Path:
    """Return 400 photos: enough for a run to be in the middle of."""
    return copies(sample_photos, tmp_path_factory.mktemp("many"), 10)


def copies(sample_photos: Path, folder: Path, times: int) -> Path:
    """Return a folder with several copies of each photo."""
    for copy in range(times):
        for photo in sample_photos.glob("*/*.jpg"):
            (folder / photo.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, folder / photo.parent.name / f"{copy}-{photo.name}")
    return folder


@contextmanager
def run_in_the_middle(photos: Path, model: Path, output: Path, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a run in a session of its own; yield when it has written its first features."""
    words = ["--images", str(photos), "--model", str(model), "--output", str(output), "--no-csv", *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "job", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(lambda: any(output.glob("features/part-*.parquet")), "the first features")
        yield process
    finally:
        kill_all(process.pid)
        process.communicate()


def rows_in(output: Path) -> int:
    """Return how many photos the features files hold."""
    return sum(pq.read_metadata(file).num_rows for file in output.glob("features/part-*.parquet"))


def projection(output: Path) -> npt.NDArray[np.float64]:
    with np.load(output / "pca" / "projection.npz", allow_pickle=False) as saved:
        return np.concatenate([saved["mean"], saved["scale"], saved["components"].ravel()])


def wait_for(condition: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {message}"
        time.sleep(0.05)


def members(session: int) -> dict[int, str]:
    """Return the command lines of a session's members by process id; Spark's workers make groups of their own."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                continue
    return {number: words for number, words in found.items() if words}


def kill_all(session: int) -> None:
    """Kill a session's members; one may end by itself when another one has gone."""
    for number in members(session):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def test_resume_after_power_loss_computes_only_missing_photos(
    many_photos: Path, random_backbone: Path, tmp_path: Path
) -> None:
    output = tmp_path / "results"
    words = ["--images", str(many_photos), "--model", str(random_backbone), "--no-csv"]
    with run_in_the_middle(many_photos, random_backbone, output) as process:
        wait_for(lambda: rows_in(output) > 150, "a good part of the features")
        # When driver, Java and every worker die at once, with no chance to put anything away
        kill_all(process.pid)
        process.communicate(timeout=LONGEST_WAIT)
    written = rows_in(output)
    assert not (output / "manifest.json").exists()

    # Then the unfinished results are told to be that
    assert main([*words, "--output", str(output)]) == 2
    # And the resumed run takes over all that was written, and one that nothing disturbs follows in the same Spark
    context = session.start("local[2,4]")
    try:
        assert main([*words, "--output", str(output), "--resume"]) == 0
        assert main([*words, "--output", str(tmp_path / "quiet")]) == 0
    finally:
        context.stop()
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["resumed"] == {"reused": written, "computed": 400 - written, "removed": 0}
    # And they come to the same, though no file of the one holds the same photos as one of the other
    resumed, quiet = (projection(of) for of in (output, tmp_path / "quiet"))
    np.testing.assert_array_equal(resumed, quiet)


@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interrupted_run_exits_130_and_leaves_no_process(
    many_photos: Path, random_backbone: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    output = tmp_path / "results"
    with run_in_the_middle(many_photos, random_backbone, output) as process:
        # When a terminal sends Ctrl-C to everything in it, or somebody ends the program
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)
        else:
            process.send_signal(sent)
        _, said = process.communicate(timeout=LONGEST_WAIT)

        assert process.returncode == 130
        assert codes(said) == ["ORC-190"]
        assert "--resume" in told(said)[-1]
        assert "Traceback" not in said
        assert not (output / "manifest.json").exists()
        assert json.loads((output / "progress.json").read_text())["stage"] == "failed"
        wait_for(lambda: not members(process.pid), "every process to end")


def test_dead_jvm_is_reported_without_traceback(many_photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    with run_in_the_middle(many_photos, random_backbone, tmp_path / "results") as process:
        for number, words in members(process.pid).items():
            if "java" in words.split()[0]:
                os.kill(number, signal.SIGKILL)
        _, said = process.communicate(timeout=LONGEST_WAIT)

    assert process.returncode == 1
    assert codes(said) == ["ORC-161"]
    assert "Traceback" not in said


# Its fast sibling, with a worker killed at every stage: tests/faults/test_task_faults.py
@pytest.mark.slow
def test_dead_worker_loses_and_doubles_no_photo(many_photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    output = tmp_path / "results"
    with run_in_the_middle(many_photos, random_backbone, output) as process:
        workers = [number for number, words in members(process.pid).items() if "-m job.spark.worker_daemon" in words]
        # The first of them is the daemon that the workers are forked from.
        os.kill(max(workers), signal.SIGKILL)
        process.communicate(timeout=LONGEST_WAIT)

    assert process.returncode == 0
    manifest = json.loads((output / "manifest.json").read_text())
    tables = [pq.read_table(output / entry["path"]) for entry in manifest["files"]["features"]]
    paths = [path for table in tables for path in table["path"].to_pylist()]
    assert sorted(paths) == sorted(str(photo) for photo in many_photos.glob("*/*.jpg"))
