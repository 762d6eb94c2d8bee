"""Tests of job/images/limits.py: what the header asks for is refused before it is decoded."""

import io
from pathlib import Path

import pytest
from PIL import Image

from job.images import LARGEST_FILE, TRAIN, RejectedPhotoError
from job.images.decode import decode
from job.images.headers import jpeg_markers
from job.images.listing import list_photos
from tests.error_report import values
from tests.job.hostile_photos import encoded, many_scans, run_length_encoded


def photo(width: int = 64, height: int = 48) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def reason(content: bytes) -> str:
    with pytest.raises(RejectedPhotoError) as raised:
        decode(content, 32, 24)
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "scans"),
    [
        (encoded(photo(), "JPEG"), 1),
        (encoded(photo(), "JPEG", progressive=True), 10),
        (encoded(photo().convert("L"), "JPEG", progressive=True), 6),
        (encoded(photo(), "JPEG", restart_marker_blocks=1), 1),
        (encoded(photo(), "JPEG", comment=b"\xff\xda\xff\xd9" * 100), 1),
        (encoded(photo(), "MPO", save_all=True, append_images=[photo()]), 1),
        (many_scans(photo(), 7), 17),
        (encoded(photo(), "JPEG")[:100], 0),
        (b"\xff\xd8\xff\xda\xff", 1),
    ],
)
def test_counts_scans_by_markers_of_first_image(content: bytes, scans: int) -> None:
    assert jpeg_markers(content).scans == scans


def test_rejects_jpeg_with_real_scans_only() -> None:
    assert values(reason(many_scans(photo(), 91))) == ["101", "100"]
    assert decode(many_scans(photo(), 90), 32, 24).shape == (24, 32, 3)
    assert decode(encoded(photo(), "JPEG", comment=b"\xff\xda" * 500), 32, 24).shape == (24, 32, 3)


def test_limits_formats_that_take_more_memory_further() -> None:
    large = Image.new("L", (10_000, 5_001))

    reasons = {
        "progressive JPEG": reason(encoded(large, "JPEG", progressive=True)),
        "TIFF": reason(encoded(large, "TIFF")),
        "WebP": reason(encoded(large, "WEBP", method=0, quality=0)),
    }
    jpeg_2000 = reason(encoded(Image.new("L", (6_000, 5_001)), "JPEG2000"))

    assert [values(text) for text in reasons.values()] == [["10,000", "5,001", "50,010,000", "50,000,000"]] * 3
    assert [name for name, text in reasons.items() if name not in text] == []
    assert values(jpeg_2000) == ["6,000", "5,001", "2000", "30,006,000", "30,000,000"]


@pytest.mark.parametrize(
    ("content", "number", "unit"),
    [
        (run_length_encoded(2_501, 2_000, b""), "5,002,000", "pixels"),
        (run_length_encoded(8, 8, b"\0\0" * 2_500_000), "5,001,078", "bytes"),
    ],
)
def test_rejects_large_run_length_encoded_bmp(content: bytes, number: str, unit: str) -> None:
    assert values(reason(content)) == [number, "5,000,000"]
    assert f" {number} {unit}" in reason(content)


def test_limits_side_to_that_of_largest_jpeg() -> None:
    assert decode(encoded(Image.new("1", (65_535, 1)), "PNG"), 32, 24).shape == (24, 32, 3)
    assert values(reason(encoded(Image.new("1", (65_536, 1)), "PNG"))) == ["65,536", "1", "65,535"]


def test_lists_too_large_file_with_reason_without_reading(tmp_path: Path) -> None:
    (tmp_path / "small.jpg").write_bytes(encoded(photo(), "JPEG"))
    with (tmp_path / "large.jpg").open("wb") as sparse:
        sparse.truncate(LARGEST_FILE + 1)

    problems = list_photos(str(tmp_path), TRAIN)["problem"].to_pylist()

    assert list(map(values, problems)) == [["500,000,001", "500,000,000"], []]
    assert problems[1] == ""


def test_example_of_many_scans_is_a_jpeg() -> None:
    with Image.open(io.BytesIO(many_scans(photo(), 3))) as opened:
        opened.load()
        assert (opened.format, opened.size) == ("JPEG", (64, 48))
