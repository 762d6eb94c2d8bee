"""What becomes of a run whose workers are killed, hang, or find the disk full: a real Spark, real signals.

The faults are put in from here, around functions of the job that Spark carries to its workers: the job has no code for
them. Each happens once in a run, to whoever comes first, unless a test says otherwise.
"""

import errno
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from job import arguments, pipeline
from job.classifiers import predict, trees
from job.errors import OrchardError, RunFailedError
from job.images import listing
from job.pca import passes
from job.quality import duplicates, labelled, leakage
from job.spark import tasks
from job.spark.tasks import extract_part
from tests.faults.comparing import Whole, assert_same

pytestmark = pytest.mark.usefixtures("spark", "several_files")

Became = Callable[[str, str], None]
Function = Callable[..., Any]

STAGES: dict[str, tuple[Any, str]] = {
    "features": (tasks, "extract_part"),
    "fit": (passes, "_moments_of_slices"),
    "projection": (passes, "_project_file"),
    "train": (trees, "read_rows"),
    "predict": (predict, "_predict_file"),
    "labelled": (labelled, "_read_file"),
    "copies": (duplicates, "_of_block"),
    "leakage": (leakage, "_nearest"),
}
"""What a task of each stage calls, and where its name is looked up when Spark packs the task."""


def first_does(act: Callable[[], None], function: Function, marker: Path) -> Function:
    """Return a function that does something bad before its work, the first time that it is called on any worker."""

    def does(*given: Any) -> Any:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return function(*given)
        act()
        return function(*given)

    return does


def always_does(act: Callable[[], None], function: Function) -> Function:
    """Return a function that does something bad before its work, every time."""

    def does(*given: Any) -> Any:
        act()
        return function(*given)

    return does


@pytest.fixture(scope="module")
def words(sample_photos: Path, random_backbone: Path) -> list[str]:
    given = ["--images", str(sample_photos), "--model", str(random_backbone), "--components", "3", "--no-csv"]
    return [*given, "--classifier", "tree", "--holdout", "0.25"]


def run(words: list[str], output: Path, *more: str) -> Whole:
    return output, pipeline.run(arguments.parse([*words, "--output", str(output), *more]))


@pytest.fixture(scope="module")
def quiet(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Return a run that nothing disturbs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(listing, "LARGEST_PARTITION", 8)
        return run(words, tmp_path_factory.mktemp("quiet") / "results")


def test_worker_killed_at_every_stage_changes_no_bit(
    words: list[str], quiet: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    # Given workers that are killed as the kernel does it when memory runs out
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    for stage, (module, name) in STAGES.items():
        disturbed = first_does(killed, getattr(module, name), tmp_path / f"{stage} was killed")
        monkeypatch.setattr(module, name, disturbed)

    disturbed_run = run(words, tmp_path / "results")

    assert sorted(path.name for path in tmp_path.glob("* was killed")) == sorted(f"{of} was killed" for of in STAGES)
    assert_same(disturbed_run, quiet)
    became(
        "Python worker killed (SIGKILL, as if out of memory), at every stage",
        "its tasks are retried; same results to the last bit",
    )


def test_worker_always_killed_fails_and_can_resume(
    words: list[str], quiet: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr(passes, "_moments_of_slices", always_does(killed, passes._moments_of_slices))
        with pytest.raises(OrchardError) as raised:
            run(words, tmp_path / "results")

    assert (raised.value.code, raised.value.exit_code) == ("ORC-160", 1)
    assert "SPARK_LOCAL_DIRS" not in raised.value.hint
    assert "--resume" in raised.value.hint
    assert not (tmp_path / "results" / "manifest.json").exists()
    resumed = run(words, tmp_path / "results", "--resume")
    assert resumed[1]["resumed"]["computed"] == 0
    assert_same(resumed, quiet)
    became("Python worker killed, always", "the run fails with one error; --resume computes no photo again")


def test_a_task_that_hangs_is_ended_and_tried_again(
    words: list[str], quiet: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    def hang() -> None:
        from job.spark import tasks, workers  # noqa: PLC0415 - of the worker, which does not outlive it

        workers.LONGEST_SILENCE = 2.0
        tasks.photos_in_turn = lambda *_: time.sleep(1000)  # type: ignore[assignment, attr-defined]

    disturbed = first_does(hang, extract_part, tmp_path / "hung")
    monkeypatch.setattr(tasks, "extract_part", disturbed)

    assert_same(run(words, tmp_path / "results"), quiet)
    assert (tmp_path / "hung").exists()
    became(
        "a task hangs", "its process is stopped after 10 minutes without a photo (2 s in the test) and the task retried"
    )


def test_full_disk_leaves_no_partial_file_and_can_resume(
    words: list[str], quiet: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    # Given a disk that is full once two files are written, until somebody frees some space
    is_full = tmp_path / "the disk is full"
    is_full.touch()

    def fill() -> None:
        from job.storage import files as storage  # noqa: PLC0415 - of the worker

        write = vars(storage).setdefault("write_before_the_test", storage._write_and_rename)

        def write_if_there_is_space(filesystem: Any, path: str, content: Any) -> None:
            if is_full.exists() and len(list(Path(path).parent.glob("part-*"))) >= 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(filesystem, path, content)

        storage._write_and_rename = write_if_there_is_space

    monkeypatch.setattr(tasks, "extract_part", always_does(fill, extract_part))
    with pytest.raises(RunFailedError) as raised:
        run(words, tmp_path / "results")

    assert raised.value.code == "ORC-162"
    assert os.strerror(errno.ENOSPC) in raised.value.message
    assert [path for path in (tmp_path / "results").rglob(".*") if path.is_file()] == []
    is_full.unlink()
    resumed = run(words, tmp_path / "results", "--resume")
    assert resumed[1]["resumed"]["reused"] > 0
    assert_same(resumed, quiet)
    became("the output's disk is full", "the run fails with one error and no partial file; --resume continues")


@pytest.mark.parametrize("stage", ["fit", "project_photos", "write_components"])
def test_overwrite_keeps_old_results_until_new_ones_exist(
    words: list[str], quiet: Whole, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    # Given finished results, and a run that is to replace them and dies at a stage
    before = shutil.copytree(quiet[0], tmp_path / "results"), quiet[1]
    content = {file: file.read_bytes() for file in listed(before)}

    def dies(*_: object) -> None:
        raise RuntimeError("the driver has died")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, stage, dies)
        with pytest.raises((OrchardError, RuntimeError), match="the driver has died"):
            run(words, tmp_path / "results", "--overwrite", "--components", "4")

    manifest = tmp_path / "results" / "manifest.json"
    if stage == "write_components":
        # Everything is computed: the old manifest has gone before the first old file is replaced
        assert not manifest.exists()
        became(f"--overwrite, the driver dies before {stage}", "no manifest: reported as an unfinished run")
    else:
        assert manifest.exists()
        assert {file: file.read_bytes() for file in listed(before)} == content
        became(f"--overwrite, the driver dies before {stage}", "the old results remain complete")


def listed(whole: Whole) -> list[Path]:
    return [whole[0] / entry["path"] for entries in whole[1]["files"].values() for entry in entries]
