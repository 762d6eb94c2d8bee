"""Propose where the objects of a photo are, and cut them out onto the background of the training photos."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from job.images import Pixels
from job.objects import outlines, windows
from job.objects.merge import distinct
from job.objects.windows import Floats, Masks

CONTRAST = 0.8
"""Least contrast of an object with its surroundings."""

EDGES = 0.6
"""Least share of an outline that is an edge in the photo."""

SMALLEST = 0.08
"""Least side of an object, as a share of the photo's shorter side."""

LARGEST = 0.97
"""Largest side of an object, as a share of its window with surroundings: a larger one has no end in it."""

SAME = (0.8, 0.8, 0.9)
"""Intersection over union from which on two proposals are one, in each round that moves windows to objects."""

SHARPNESS = 1.5
"""How steep the edge of an object that is cut out is; 1 is that of the smoothed outline."""

KEPT = 0.45
"""Share of a pixel's neighbours of the object at which half of it shows. A network sees edges: 0.7 and a sharpness of
3 cost a seventh of the labels (decision 0143)."""

DOUBT = 0.02
"""Least probability that a pixel is on the other side of an outline that is drawn again."""

BLUR = 0.06
"""How far from an outline pixels may be on its other side, as a share of the window with its surroundings."""

AT_A_TIME = 128
"""Windows whose pixels are in memory at the same time."""


Shares = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Proposals:
    """Objects that may be in a photo."""

    boxes: Floats  # left, top, right and bottom in pixels of the photo, of shape (proposals, 4)
    windows: Floats  # in which they were found, of shape (proposals, 3)
    masks: Masks | None  # of the windows with their surroundings, of shape (proposals, side, side); None for all pixels
    edges: Floats  # how much of an outline is an edge in the photo, from 0 to 1, of shape (proposals,)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.boxes)


def whole_windows(photo: Image.Image) -> Proposals:
    """Return all windows of a photo, each with all of its pixels."""
    found = windows.grid(*photo.size)
    return Proposals(windows.boxes_of(found), found, None, np.ones(len(found)))


def outlined(photo: Image.Image) -> Proposals:
    """Return the objects that differ from their surroundings; each window is moved to the object found in it."""
    proposals = _proposed(photo, windows.grid(*photo.size), outlines.COARSE, SAME[0], None)
    for same in SAME[1:]:
        proposals = _proposed(photo, windows.square(proposals.boxes), outlines.COARSE, same, None)
    return _proposed(photo, windows.square(proposals.boxes), outlines.FINE, SAME[-1], proposals)


def _proposed(photo: Image.Image, found: Floats, side: int, same: float, earlier: Proposals | None) -> Proposals:
    """Return the objects in windows, their surroundings of so many pixels each way.

    ``earlier``: with the outlines of these windows that are known already; None without.
    """
    around = _with_surroundings(found)
    boxes = np.full((len(found), 4), np.nan)
    masks = np.zeros((len(found), side, side), np.bool_)
    contrast, edges = np.zeros(len(found)), np.ones(len(found))
    for start in range(0, len(found), AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        pixels, inside = windows.cut(photo, around[some], side)
        expected = None if earlier is None else _expected(earlier, around, some, side)
        drawn = outlines.outline(pixels, inside, expected)
        boxes[some], masks[some], contrast[some] = outlines.boxes(drawn.masks, found[some]), drawn.masks, drawn.contrast
        if earlier is not None:
            edges[some] = outlines.edges(pixels, inside, drawn.masks)
    sides = windows.square(boxes)[:, 2]
    largest = LARGEST * around[:, 2]
    # NaN, of no object, is not in any order.
    differs = (contrast > CONTRAST) & (edges > EDGES)
    kept = np.flatnonzero(differs & (sides > SMALLEST * min(photo.size)) & (sides < largest))
    kept = kept[distinct(boxes[kept], contrast[kept], same)]
    return Proposals(boxes[kept], found[kept], masks[kept], edges[kept])


def _expected(earlier: Proposals, around: Floats, some: slice, side: int) -> Shares:
    """Return the probability that each pixel of some windows is of the object outlined before."""
    assert earlier.masks is not None  # noqa: S101 - outlines have masks
    parts = zip(earlier.masks[some], earlier.windows[some], around[some], strict=True)
    shown = np.stack([_enlarged(mask.astype(np.float32), window, square, side) for mask, window, square in parts])
    return np.float32(DOUBT) + outlines.means(shown, round(BLUR * side)) * np.float32(1 - 2 * DOUBT)


def cut_out(photo: Image.Image, proposals: Proposals, side: int, grey: int, filled: float) -> Iterator[Image.Image]:
    """Yield each proposal as a separate square photo, on a plain background where there is a mask.

    Parameters
    ----------
    side
        Of the results, in pixels.
    grey
        Of the background, and of what is outside the photo.
    filled
        Longer side of the object as a share of the result.
    """
    squares = windows.square(proposals.boxes)
    squares[:, 2] /= filled
    soft = None if proposals.masks is None else outlines.means(proposals.masks.astype(np.float32), 1)
    for index, square in enumerate(squares):
        pixels, inside = (part[0] for part in windows.cut(photo, square[np.newaxis], side))
        shown = inside.astype(np.float32)
        if soft is not None:
            shown *= np.clip(
                (_enlarged(soft[index], proposals.windows[index], square, side) - KEPT) * SHARPNESS + 0.5, 0, 1
            )
        yield Image.fromarray(_blend(pixels, shown[..., np.newaxis], grey))


def _blend(pixels: Pixels, shown: Shares, grey: int) -> Pixels:
    blended: Pixels = np.rint(pixels * shown + np.float32(grey) * (1 - shown)).astype(np.uint8)
    return blended


def _with_surroundings(found: Floats) -> Floats:
    return np.column_stack([found[:, :2], found[:, 2] * outlines.CONTEXT])


def _enlarged(mask: Shares, window: Floats, square: Floats, side: int) -> Shares:
    """Return the part of a window's mask that is in a square, from 0 to 1, of shape (side, side)."""
    scale = len(mask) / (window[2] * outlines.CONTEXT)
    left, top = (square[:2] - square[2] / 2 - window[:2]) * scale + len(mask) / 2
    right, bottom = left + square[2] * scale, top + square[2] * scale
    enlarged = Image.fromarray(mask).transform(
        (side, side), Image.Transform.EXTENT, (left, top, right, bottom), Image.Resampling.BILINEAR
    )
    return np.asarray(enlarged)
