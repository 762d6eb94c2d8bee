"""Tests of bench/prepared.py: shards and large photos of a few small ones."""

from pathlib import Path

from PIL import Image

from bench.prepared import large_photos, shards_of
from job.images import TRAIN, listing


def test_shards_hold_the_photos_that_were_given(sample_photos: Path, tmp_path: Path) -> None:
    shards = shards_of(sample_photos, tmp_path / "shards", 5)

    assert len(list(shards.iterdir())) in (5, 6)
    assert len(listing.list_photos(str(shards), TRAIN)) == len(listing.list_photos(str(sample_photos), TRAIN))


def test_large_photos_are_drawn_once(sample_photos: Path, tmp_path: Path) -> None:
    (photo,) = large_photos(sample_photos, tmp_path / "large", 1).rglob("*.jpg")
    drawn = photo.stat().st_mtime_ns
    large_photos(sample_photos, tmp_path / "large", 1)

    assert photo.stat().st_mtime_ns == drawn
    assert 2_000_000 < photo.stat().st_size < 6_000_000
    with Image.open(photo) as image:
        assert image.size == (4000, 3000)
