"""Decoding damaged and large photos ends soon and stays within a task's memory."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from job.images.limits import LARGEST_AT_ONCE, LARGEST_BY_FORMAT, LARGEST_PHOTO, LARGEST_RUN_LENGTH_ENCODED
from tests.conftest import REAL_PHOTOS, needs_real_photos
from tests.job.hostile_photos import ENCODERS, encoded, run_length_encoded, with_exif

MOST_SECONDS = 60.0
"""A photo, on a machine that does something else as well."""

MOST_MIB = 950
"""What one photo may add to a process; docs/decisions/0108-limits-per-photo.md."""


def decoded_by_a_process(files: Sequence[str]) -> dict[str, Any]:
    """Decode photos in a process of its own; return what it took."""
    command = [sys.executable, "-m", "tests.job.images.decode_child", str(MOST_SECONDS), *files]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def damage(photo: Image.Image, folder: Path, count: int) -> dict[str, Any]:
    files = []
    for name, (ending, encode) in ENCODERS.items():
        file = folder / f"{name}{ending}"
        file.write_bytes(encode(photo))
        files.append(f"{file}*{count}")
    return decoded_by_a_process(files)


@pytest.mark.slow
def test_6000_damaged_photos_are_used_or_rejected_quickly(sample_photos: Path, tmp_path: Path) -> None:
    with Image.open(sample_photos / "Kiwi" / "000.jpg") as opened:
        found = damage(opened.convert("RGB"), tmp_path, 600)

    assert sum(found["outcomes"].values()) == 6000
    assert min(found["outcomes"].values()) > 600, "damage that harms nothing, or everything, tries nothing"
    assert found["odd"] == []
    assert found["peak_mib"] < MOST_MIB


@pytest.mark.slow
@needs_real_photos
def test_damaged_real_photos_are_used_or_rejected_quickly(tmp_path: Path) -> None:
    photos = sorted(path for path in REAL_PHOTOS.rglob("*.jpg") if path.stat().st_size > 2000)
    for number, path in enumerate(photos[:: len(photos) // 8][:8]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Image.open(path) as opened:
            found = damage(opened.convert("RGB"), folder, 50)
        assert sum(found["outcomes"].values()) == 500
        assert found["odd"] == []
        assert found["peak_mib"] < MOST_MIB


def _of_one_colour(mode: str, pixels: int) -> Image.Image:
    return Image.new(mode, (10_000, pixels // 10_000))


LARGEST: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(_of_one_colour("RGB", LARGEST_PHOTO), "JPEG"),
    "JPEG of CMYK": lambda: encoded(_of_one_colour("CMYK", LARGEST_PHOTO), "JPEG"),
    "turned JPEG": lambda: with_exif(_of_one_colour("RGB", LARGEST_PHOTO), "JPEG", 6),
    "progressive JPEG": lambda: encoded(
        _of_one_colour("RGB", LARGEST_AT_ONCE), "JPEG", progressive=True, subsampling="4:4:4"
    ),
    "clear PNG": lambda: encoded(_of_one_colour("RGBA", LARGEST_PHOTO), "PNG"),
    "16-bit PNG": lambda: encoded(Image.fromarray(np.zeros((10_000, LARGEST_PHOTO // 10_000), np.uint16)), "PNG"),
    "clear palette": lambda: encoded(_of_one_colour("P", LARGEST_PHOTO), "PNG", transparency=0),
    "1-bit PNG": lambda: encoded(_of_one_colour("1", LARGEST_PHOTO), "PNG"),
    "WebP": lambda: encoded(_of_one_colour("RGB", LARGEST_AT_ONCE), "WEBP", method=0),
    "clear WebP": lambda: encoded(_of_one_colour("RGBA", LARGEST_AT_ONCE), "WEBP", method=0),
    "TIFF": lambda: encoded(_of_one_colour("RGBA", LARGEST_AT_ONCE), "TIFF"),
    "GIF": lambda: encoded(_of_one_colour("P", LARGEST_PHOTO), "GIF"),
    "AVIF": lambda: encoded(_of_one_colour("RGB", LARGEST_AT_ONCE), "AVIF", speed=10),
    "HEIC": lambda: encoded(_of_one_colour("RGB", LARGEST_AT_ONCE), "HEIC", quality=20),
    "JPEG 2000": lambda: encoded(_of_one_colour("RGB", LARGEST_BY_FORMAT["JPEG2000"]), "JPEG2000"),
    "BMP": lambda: encoded(_of_one_colour("RGB", LARGEST_PHOTO), "BMP"),
    "BMP of run lengths": lambda: run_length_encoded(
        2000, LARGEST_RUN_LENGTH_ENCODED // 2000, b"\1\1\0\0" * (LARGEST_RUN_LENGTH_ENCODED // 2000)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", LARGEST)
def test_largest_photo_of_each_kind_fits_into_task_memory(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "largest"
    file.write_bytes(LARGEST[kind]())
    small = tmp_path / "small"
    small.write_bytes(encoded(Image.new("RGB", (100, 100)), "JPEG"))

    found = decoded_by_a_process([str(small), str(file)])

    assert found["outcomes"] == {"used": 2}
    assert found["peak_mib"] < MOST_MIB
