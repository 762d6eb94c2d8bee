"""Lay square windows over a photo, and cut them out of its pixels."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from job.images import Pixels

Floats = npt.NDArray[np.float64]
Masks = npt.NDArray[np.bool_]

LARGEST, SMALLEST = 1.0, 0.14
"""Sides of the largest and the smallest windows, as shares of the photo's shorter side."""

STEP = 1.5
"""A window's side divided by that of the next smaller windows."""

OVERLAP = 0.5
"""Least share of a window's side that it has in common with its neighbour."""


def grid(width: int, height: int) -> Floats:
    """Return windows that cover a photo of some pixels at several scales.

    Returns
    -------
    Shape (windows, 3): the centre, across and down, and the side, in pixels.
    """
    shorter, windows = min(width, height), []
    share = LARGEST
    while share >= SMALLEST:
        side = share * shorter
        across, down = (_centres(length, side) for length in (width, height))
        windows += [(x, y, side) for y in down for x in across]
        share /= STEP
    return np.array(windows)


def cut(photo: Image.Image, windows: Floats, side: int) -> tuple[Pixels, Masks]:
    """Return the pixels of square windows, black outside the photo, and which of them are inside.

    Parameters
    ----------
    windows
        As ``grid`` returns them.
    side
        Of the result, in pixels.

    Returns
    -------
    pixels
        uint8 of shape (windows, side, side, 3).
    inside
        Shape (windows, side, side).
    """
    pixels = np.empty((len(windows), side, side, 3), np.uint8)
    inside = np.empty((len(windows), side, side), np.bool_)
    steps = (np.arange(side) + 0.5) / side - 0.5
    for index, (x, y, length) in enumerate(windows):
        left, top, right, bottom = edges = (x - length / 2, y - length / 2, x + length / 2, y + length / 2)
        first = int(np.floor(left)), int(np.floor(top))
        # A crop may reach beyond the photo, what ``resize`` reads may not.
        part = photo.crop((*first, int(np.ceil(right)), int(np.ceil(bottom))))
        box = tuple(edge - first[axis % 2] for axis, edge in enumerate(edges))
        pixels[index] = np.asarray(part.resize((side, side), Image.Resampling.BILINEAR, box))
        across, down = x + steps * length, y + steps * length
        in_columns, in_rows = (across >= 0) & (across < photo.width), (down >= 0) & (down < photo.height)
        inside[index] = in_rows[:, np.newaxis] & in_columns
    return pixels, inside


def square(boxes: Floats) -> Floats:
    """Return the smallest square windows around boxes; boxes: left, top, right and bottom, of shape (boxes, 4)."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.column_stack([(boxes[:, :2] + boxes[:, 2:]) / 2, sides.max(axis=1)])


def boxes_of(windows: Floats) -> Floats:
    """Return left, top, right and bottom of windows, of shape (windows, 4)."""
    half = windows[:, 2:] / 2
    return np.concatenate([windows[:, :2] - half, windows[:, :2] + half], axis=1)


def _centres(length: int, side: float) -> Floats:
    """Return the centres along one axis: evenly spaced, from the one edge to the other."""
    steps = int(np.ceil((length - side) / (side * (1 - OVERLAP))))
    return np.linspace(side / 2, length - side / 2, steps + 1) if steps > 0 else np.array([length / 2])
