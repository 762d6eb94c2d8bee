"""A long run with faults in 1 % of requests and an executor killed every so often comes to what a quiet one does.

``SOAK_PHOTOS`` and ``SOAK_SECONDS`` say how many photos and how often; docs/reliability.md says what was run.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from tests import faulty_s3
from tests.faults.comparing import Whole, assert_same
from tests.faults.conftest import spoiling
from tests.faulty_s3 import FaultyS3, Rule
from tests.job.test_interruptions import members

pytestmark = pytest.mark.slow

Became = Callable[[str, str], None]

PHOTOS = int(os.environ.get("SOAK_PHOTOS", "4000"))
SECONDS_BETWEEN_KILLS = float(os.environ.get("SOAK_SECONDS", "20"))


def run(words: list[str], output: Path, kill: bool) -> tuple[Whole, int]:
    """Run the job in a session of its own; return what came of it, and how many executors were killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "job", *words, "--output", str(output)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with killing(process.pid if kill else None) as killed:
        _, said = process.communicate(timeout=4 * 3600)
    assert process.returncode == 0, said
    return (output, json.loads((output / "manifest.json").read_text())), len(killed)


@contextmanager
def killing(session: int | None) -> Iterator[list[int]]:
    """Kill an executor of a session every so often while the block lasts; yield the processes killed."""
    killed: list[int] = []
    ended = threading.Event()
    chance = random.Random(0)  # noqa: S311

    def kill() -> None:
        while session is not None and not ended.wait(SECONDS_BETWEEN_KILLS):
            backends = [number for number, words in members(session).items() if "CoarseGrainedExecutor" in words]
            if backends:
                killed.append(chance.choice(sorted(backends)))
                os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def test_a_long_run_among_faults_comes_to_what_a_quiet_one_does(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, bucket: str, faulty: FaultyS3, became: Became
) -> None:
    # Given numbered copies of the photos in S3
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    photos = sorted(sample_photos.glob("*/*.jpg"))
    for number in range(PHOTOS):
        photo = photos[number % len(photos)]
        client.put_object(Bucket=bucket, Key=f"p/{photo.parent.name}/{number:06d}.jpg", Body=photo.read_bytes())
    words = ["--images", f"s3://{bucket}/p", "--model", str(random_backbone), "--components", "20", "--no-csv"]
    words += ["--master", "local-cluster[2,1,1024]", "--max-rejected", "0"]

    quiet, _ = run(words, tmp_path / "quiet", kill=False)
    kinds = (faulty_s3.SLOW_DOWN, faulty_s3.INTERNAL_ERROR, faulty_s3.RESET, faulty_s3.TRUNCATED)
    with spoiling(faulty, *(Rule(kind, r"/p/.*jpg", share=0.01 / len(kinds)) for kind in kinds)):
        soaked, killed = run(words, tmp_path / "soaked", kill=True)

    assert soaked[1]["counts"]["used"] == PHOTOS
    assert_same(soaked, quiet)
    assert killed > 0
    assert min(faulty.spoiled[kind] for kind in kinds) > 0
    became(
        f"soak: {PHOTOS:,} photos, 1 % of responses corrupted ({faulty.spoiled.total()}), {killed} executors killed",
        "same results as the quiet run, to the last bit",
    )
