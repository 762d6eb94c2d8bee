"""What becomes of a run when the disk of Spark's own temporary files is full: a real, small disk, really full."""

import json
import subprocess
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import pytest

from tests.error_report import codes, told
from tests.job.test_interruptions import LONGEST_WAIT, run_in_the_middle

Became = Callable[[str, str], None]


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give Spark a disk of 40 MB in memory for its temporary files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs root, to mount a small disk")
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(disk))
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> None:
    """Write to a disk until nothing more goes onto it."""
    with (disk / "filling").open("wb", buffering=0) as file:
        for size in (1_000_000, 1_000, 1):
            with pytest.raises(OSError, match="No space left on device"):
                write_for_ever(file, bytes(size))


def write_for_ever(file: FileIO, content: bytes) -> None:
    while True:
        file.write(content)


def test_disk_full_before_spark_starts_fails_the_run(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, small_disk: Path, became: Became
) -> None:
    fill(small_disk)

    words = ["--images", str(sample_photos), "--model", str(random_backbone), "--output", str(tmp_path / "results")]
    ended = subprocess.run(
        ["python", "-m", "job", *words], capture_output=True, text=True, check=False, timeout=3 * LONGEST_WAIT
    )

    assert ended.returncode == 1, ended.stderr
    assert "SPARK_LOCAL_DIRS" in told(ended.stderr)[-1]
    assert codes(ended.stderr) == ["ORC-160"]
    assert not (tmp_path / "results").exists()
    became("Spark's own disk is full at the start", "the run fails with one error and leaves nothing")


@pytest.mark.slow
def test_disk_full_in_the_middle_leaves_nothing_finished(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, small_disk: Path, became: Became
) -> None:
    output = tmp_path / "results"
    more = ["--classifier", "tree", "--master", "local[2,4]"]
    with run_in_the_middle(sample_photos, random_backbone, output, *more) as process:
        fill(small_disk)
        _, said = process.communicate(timeout=3 * LONGEST_WAIT)

    assert process.returncode == 1, said
    assert "SPARK_LOCAL_DIRS" in told(said)[-1]
    assert not (output / "manifest.json").exists()
    assert json.loads((output / "progress.json").read_text())["stage"] == "failed"
    # And with space again it goes on with what is there
    (small_disk / "filling").unlink()
    words = ["--images", str(sample_photos), "--model", str(random_backbone), "--output", str(output), "--no-csv"]
    resumed = subprocess.run(
        ["python", "-m", "job", *words, *more, "--resume"], capture_output=True, text=True, check=False
    )
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((output / "manifest.json").read_text())["resumed"] == {"reused": 40, "computed": 0, "removed": 0}
    became("Spark's own disk fills in the middle", "the run fails with one error; --resume computes no photo again")
