"""Tests of infra/commands/sample_photos.py."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infra.commands.sample_photos import FRUITS, draw_photo, draw_photos


def pixels(kind: str, angle: float, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(draw_photo(kind, angle, np.random.default_rng(seed)))


def test_every_kind_has_a_folder_with_a_photo_an_angle(tmp_path: Path) -> None:
    count = draw_photos(tmp_path, angles=2, seed=0)

    assert count == 2 * len(FRUITS)
    assert sorted(folder.name for folder in tmp_path.iterdir()) == sorted(FRUITS)
    for photo in tmp_path.glob("*/*"):
        with Image.open(photo) as opened:
            assert (opened.format, opened.size, opened.mode) == ("JPEG", (100, 100), "RGB")


def test_the_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    for folder, seed in (("one", 3), ("same", 3), ("other", 4)):
        draw_photos(tmp_path / folder, angles=1, seed=seed)

    def content(folder: str) -> bytes:
        return (tmp_path / folder / "Pear" / "000.jpg").read_bytes()

    assert content("one") == content("same") != content("other")


@pytest.mark.parametrize("kind", FRUITS)
def test_a_fruit_is_on_white_and_fills_much_of_the_photo(kind: str) -> None:
    photo = pixels(kind, 30)

    corners = photo[[0, 0, -1, -1], [0, -1, 0, -1]]
    drawn = (photo.min(axis=2) < 240).mean()
    assert (corners == 255).all()
    assert 0.08 < drawn < 0.7


@pytest.mark.parametrize("kind", FRUITS)
def test_another_angle_is_another_photo(kind: str) -> None:
    assert (pixels(kind, 0) != pixels(kind, 45)).any()


def test_kinds_look_different() -> None:
    means = {kind: pixels(kind, 0).mean(axis=(0, 1)).round(1).tolist() for kind in FRUITS}

    assert len({tuple(mean) for mean in means.values()}) == len(FRUITS)
