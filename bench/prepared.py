"""Photos that measurements need besides those given: the same in shards, and large ones."""

from pathlib import Path

import numpy as np
from PIL import Image

from infra.upload import plan, walk
from job.images import is_photo

SHARDS = 20

LARGE = 400
"""Number of large photos: enough that the second before the first task weighs little."""

SIDES = (4000, 3000)
"""Pixels of a large photo: 12 megapixels, as phones take them."""

QUALITY = 90

NOISE = 9.0
"""Standard deviation, in levels of 255: such JPEGs are 3 MB large."""


def shards_of(photos: Path, folder: Path, count: int = SHARDS) -> Path:
    """Pack photos into about ``count`` shards in a folder, as ``orchard upload --shards`` does; return it."""
    files = [file for file in walk(photos) if is_photo(file.inside)]
    (whole,) = plan(files, 2**60)
    for shard in plan(files, -(-whole.size // count)):
        path = folder / shard.inside
        path.parent.mkdir(parents=True, exist_ok=True)
        with shard.open() as stream:
            path.write_bytes(stream.read())
    return folder


def large_photos(photos: Path, folder: Path, count: int = LARGE) -> Path:
    """Draw large photos from small ones, with the noise of a sensor, unless the folder has them; return the folder.

    They are about as large as a phone's and labelled like the small ones.
    """
    small = sorted(photos.rglob("*.jpg"))
    chosen = [small[number * len(small) // count] for number in range(count)]
    random = np.random.default_rng(0)
    # Noise of a few pixels, drawn once: drawing it takes longer than anything else.
    noise = random.normal(0, NOISE, (SIDES[1], SIDES[0], 3)).astype(np.float32)
    for number, photo in enumerate(chosen):
        path = folder / photo.parent.name / f"{number:05d}.jpg"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(photo) as image:
            pixels = np.asarray(image.convert("RGB").resize(SIDES, Image.Resampling.BICUBIC), np.float32)
        noisy = np.clip(pixels + np.roll(noise, 997 * number, axis=(0, 1)[number % 2]), 0, 255)
        partial = path.with_suffix(".part")
        Image.fromarray(noisy.astype(np.uint8)).save(partial, "JPEG", quality=QUALITY)
        partial.rename(path)
    return folder
