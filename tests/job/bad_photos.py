"""Photos that a run must set aside, and odd ones that it must be able to read, for every kind of descriptor."""

from pathlib import Path

import numpy as np
from PIL import Image

BAD = {
    "empty.jpg": "the file is empty",
    "huge.png": "more than 100,000,000 pixels",
    "text.jpg": "not a photo in a supported format: a text file",
}
"""Why each is set aside; truncated.jpg is too, for a reason that says how many bytes were left."""

ODD = ("16 bits.png", "alpha.png", "cmyk.jpg", "palette.png", "thin.png")
"""Photos in unusual forms; all of them are of one colour."""


def write_bad_and_odd_photos(folder: Path, whole: bytes) -> None:
    """Write them into a folder.

    Parameters
    ----------
    folder
        Where they go.
    whole
        A good JPEG file; half of it becomes truncated.jpg.
    """
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("hello")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    Image.new("RGB", (1, 20_000), "red").save(folder / "thin.png")
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(folder / "16 bits.png")
    Image.new("CMYK", (9, 9)).save(folder / "cmyk.jpg")
    Image.new("P", (9, 9)).save(folder / "palette.png")
    Image.new("RGBA", (9, 9)).save(folder / "alpha.png")
