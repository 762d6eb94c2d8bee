"""Recognize a plain background of the training photos, from their thumbnails.

A network sees the background too: an object in front of another one is unlike its training photos. So windows of a
photo get the training photos' background, if these have one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from job.images import THUMBNAIL_SIDE

SIMILAR = 10
"""Largest difference of a grey level from the background's."""

CORNERS = 3
"""Least number of corners of a photo that show the background."""

SHARE = 0.8
"""Least share of the photos whose corners do."""


@dataclass(frozen=True)
class Backdrop:
    """The background of training photos, and how much of a photo its object fills."""

    grey: int  # 0 to 255
    filled: float  # the object's longer side, as a share of the photo's


def find(thumbnails: npt.NDArray[np.uint8]) -> Backdrop | None:
    """Return the background of training photos; None if they have no plain one.

    ``thumbnails``: of shape (photos, THUMBNAIL_SIDE ** 2).
    """
    if not len(thumbnails):
        return None
    photos = thumbnails.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE).astype(np.int16)
    corners = photos[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    grey = int(np.median(corners))
    plain = (np.abs(corners - grey) <= SIMILAR).sum(axis=1) >= CORNERS
    if plain.mean() < SHARE:
        return None
    is_object = np.abs(photos[plain] - grey) > SIMILAR
    lengths = np.maximum(_extent(is_object.any(axis=1)), _extent(is_object.any(axis=2)))
    return Backdrop(grey, max(1, float(np.median(lengths))) / THUMBNAIL_SIDE)


def _extent(marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return how many places lie between the first and the last marked one of each row, both included."""
    first, after = marked.argmax(axis=1), marked.shape[1] - marked[:, ::-1].argmax(axis=1)
    return np.where(marked.any(axis=1), after - first, 0)
