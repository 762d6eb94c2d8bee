"""Cut the views of a photo, whose features are averaged: the whole photo and windows of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from job.images.decode import OVERSAMPLING, SCALED, Pixels, open_photo, resized

Window = tuple[float, float, float, float]
"""Left, top, right and bottom of a view, as shares of the photo's width and height."""

WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


def _centred(share: float) -> Window:
    margin = (1 - share) / 2
    return (margin, margin, 1 - margin, 1 - margin)


_FIVE = (WHOLE, *(_centred(share) for share in (0.75, 0.62, 0.5, 0.35)))

# Half-size windows whose centres are a quarter left of, right of, above and below the photo's.
_SHIFTED: tuple[Window, ...] = (
    (0.0, 0.25, 0.5, 0.75),
    (0.5, 0.25, 1.0, 0.75),
    (0.25, 0.0, 0.75, 0.5),
    (0.25, 0.5, 0.75, 1.0),
)

WINDOWS: Mapping[int, tuple[Window, ...]] = {
    1: (WHOLE,),
    3: (WHOLE, _centred(0.75), _centred(0.5)),
    5: _FIVE,
    9: (*_FIVE, *_SHIFTED),
}
"""The windows of each value of ``--views``."""


@dataclass(frozen=True)
class Decoded:
    """A decoded photo, with its own width and height."""

    views: Sequence[Image.Image]  # RGB; the first is the whole photo
    width: int
    height: int

    def pixels(self) -> Pixels:
        """Return the pixels of all views: uint8 of shape (views, height, width, 3)."""
        return np.stack([np.asarray(view) for view in self.views])


def decode_views(content: bytes, width: int, height: int, views: int, method: str) -> Decoded:
    """Decode a photo once and resize each of its views; one view equals ``decode``.

    Parameters
    ----------
    views
        A key of ``WINDOWS``.
    method
        ``EXACT`` or ``SCALED``. Scaled decoding keeps ``OVERSAMPLING`` pixels per output pixel in the smallest view.
    """
    smallest = smallest_share(views)
    wanted = (round(OVERSAMPLING * width / smallest), round(OVERSAMPLING * height / smallest))
    return cut_views(open_photo(content, wanted if method == SCALED else None), width, height, views)


def cut_views(photo: Image.Image, width: int, height: int, views: int) -> Decoded:
    """Resize each view of an image from ``open_photo``; see ``decode_views``."""
    cut = [resized(photo, width, height, _box(window, *photo.size)) for window in WINDOWS[views]]
    return Decoded(cut, *photo.size)


def smallest_share(views: int) -> float:
    """Return the width of the smallest view as a share of the photo's."""
    return min(right - left for left, _, right, _ in WINDOWS[views])


def _box(window: Window, width: int, height: int) -> Window | None:
    left, top, right, bottom = window
    return None if window == WHOLE else (left * width, top * height, right * width, bottom * height)
