"""What the driver holds of a large listing, in a process of its own because memory is never given back."""

import subprocess
import sys

import pytest

from job.spark.bundle import PACKAGE

PROGRAM = """
from job.images import groups, listing
from job import storage
from job.spark.tasks import as_stream
from job.storage.files import FileFound
from tests import memory

storage.list_files = lambda folder, skipped: [
    FileFound(f"Training/Label {number % 200:03d}/photo_{number:08d}_100.jpg", 5000) for number in range(1_000_000)
]
folder = "s3://a-bucket-of-mine/images/fruits"
photos = groups.hold_out(listing.list_photos(folder, listing.TRAIN), 0.2, 0, folder).combine_chunks()
partitions = [as_stream(part) for part in listing.partition(photos, slots=32)]
print(len(photos), memory.peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads memory from /proc")
def test_driver_stays_below_2_gb_for_a_million_photos() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )

    photos, memory = (int(word) for word in done.stdout.split())
    assert photos == 1_000_000
    assert memory < 2e9
