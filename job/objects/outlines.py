"""Separate the object in a window from what surrounds it, by colour.

Two colour histograms, of the object and of its surroundings, start from the middle of the window and from a ring
around it. Each pixel then gets the probability that it is of the object, which neighbours of a similar colour share,
and the histograms are computed again: the idea of GrabCut (Rother et al., SIGGRAPH 2004), for many windows at once and
with mean-field inference instead of graph cuts (Krähenbühl and Koltun, NeurIPS 2011).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from job.images import Pixels
from job.objects.windows import Floats, Masks

COARSE, FINE = 40, 112
"""Pixels of a window with its surroundings, each way: to find where an object is, and to draw its outline."""

CONTEXT = 1.6
"""Side of a window with its surroundings, divided by that of the window."""

COLOURS = 12
"""Levels of each channel in a histogram."""

ROUNDS, LAST_ROUNDS = 3, 2
"""How often the histograms are computed, from a disc and from an outline."""

NEIGHBOURS = 1.2
"""Weight of each neighbour of a pixel."""

NEIGHBOUR_ROUNDS = 6
"""How often a pixel takes over from its neighbours: how many pixels far they have an effect."""

SMOOTH, LAST_SMOOTH = 0.04, 0.01
"""How far an outline is smoothed, from a disc and from an outline, as a share of the side."""

THICK = 0.08
"""Parts of an outline thinner than twice this share of the side do not count: they are of what is behind the object."""

STEEP = 40.0
"""Difference of the colours on both sides of a pixel, as ``SIMILAR``, at which most of an edge is there."""

SIMILAR = 25.0
"""Difference of two colours, as the root of the sum of squares, at which neighbours share little."""

CERTAIN = 4.0
"""Largest logarithm of the ratio of two colour probabilities."""

RARE = 1e-4
"""Added to each share of a histogram: a colour that was not seen is not impossible."""

ALL = 0.9999
"""Mean above which all pixels of a mask are the object's: means of float32 are not exact."""

Singles = npt.NDArray[np.float32]

_MIDDLE, _RING, _CENTRE = 0.7, 1.15, 0.5
_OUTSIDE = -6.0


@dataclass(frozen=True)
class Outlines:
    """The objects in windows."""

    masks: Masks  # shape (windows, side, side): the pixels of the object, connected
    contrast: Floats  # shape (windows,): how much more probable colours are in their own part than in the other


def outline(pixels: Pixels, inside: Masks, expected: Singles | None = None) -> Outlines:
    """Return the object in the middle of each window.

    Parameters
    ----------
    pixels
        uint8 of shape (windows, side, side, 3): windows with their surroundings.
    inside
        Shape (windows, side, side): which pixels are inside the photo.
    expected
        Shape (windows, side, side): probability that a pixel is of the object; None for a disc.
    """
    side = pixels.shape[1]
    from_centre = radius(side)
    levels = (pixels.astype(np.int32) * COLOURS) >> 8
    colours = (levels[..., 0] * COLOURS + levels[..., 1]) * COLOURS + levels[..., 2]
    across, down = _similarities(pixels)
    refined = expected is not None
    rounds, smooth = (LAST_ROUNDS, LAST_SMOOTH) if refined else (ROUNDS, SMOOTH)
    if expected is None:
        expected = np.clip(1.0 - (from_centre - 0.55) / 0.9, 0.02, 0.98)[np.newaxis]
        is_object = np.where(from_centre < _MIDDLE, inside, False).astype(np.float32)
        is_around = np.where(from_centre > _RING, inside, False).astype(np.float32)
    else:
        is_object, is_around = expected * inside, (1 - expected) * inside
    expected_odds = np.log(expected / (1 - expected))
    for _ in range(rounds):
        ratio = _of_pixels(np.log(_histogram(colours, is_object)) - np.log(_histogram(colours, is_around)), colours)
        odds = np.where(inside, np.clip(ratio, -CERTAIN, CERTAIN) + expected_odds, np.float32(_OUTSIDE))
        probability = _smoothed(odds.astype(np.float32), across, down)
        is_object, is_around = probability * inside, (1 - probability) * inside
    core = from_centre < _CENTRE
    masks = filled(connected(smoothed((probability > 0.5) & inside, round(smooth * side)), core))
    if refined:
        masks = opened(masks, core, round(THICK * side))
    return Outlines(masks, _contrast(ratio, masks, inside))


def radius(side: int) -> Singles:
    """Return each pixel's distance from the centre, 1 at the middle of a window's edges, of shape (side, side)."""
    line = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / side * 2 - 1
    distances: Singles = np.hypot(line[:, np.newaxis], line) * np.float32(CONTEXT)
    return distances


def connected(masks: Masks, core: Masks) -> Masks:
    """Return the pixels of each mask that a path of its pixels connects with the core; pixels touch by their edges."""
    found = masks & core
    while True:
        grown = found.copy()
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown[:, :, 1:] |= found[:, :, :-1]
        grown[:, :, :-1] |= found[:, :, 1:]
        grown &= masks
        if np.array_equal(grown, found):
            return found
        found = grown


def smoothed(masks: Masks, reach: int) -> Masks:
    """Return for each pixel what most pixels are in the square that reaches so far from it."""
    most: Masks = means(masks.astype(np.float32), reach) > 0.5
    return most


def means(values: Singles, reach: int) -> Singles:
    """Return for each pixel the mean of the square that reaches so far from it, of shape (windows, side, side)."""
    for axis in (1, 2):
        ends = [(0, 0)] * 3
        ends[axis] = (reach, reach)
        sides = np.lib.stride_tricks.sliding_window_view(np.pad(values, ends, "edge"), 2 * reach + 1, axis)
        values = sides.mean(axis=-1)
    return values


def opened(masks: Masks, core: Masks, reach: int) -> Masks:
    """Return masks without thin parts, and without what only a thin part connects with the core.

    A mask that would lose more than half of its pixels stays: its object is thin itself.

    Parameters
    ----------
    reach
        Parts of up to twice as many pixels are thin.
    """
    thick = connected(means(masks.astype(np.float32), reach) > ALL, core)
    kept = masks & (means(thick.astype(np.float32), reach) > 1 - ALL)
    is_thin = 2 * kept.sum(axis=(1, 2)) < masks.sum(axis=(1, 2))
    result: Masks = np.where(is_thin[:, np.newaxis, np.newaxis], masks, kept)
    return result


def filled(masks: Masks) -> Masks:
    """Return masks without holes: what no path connects with the edge of the window belongs to the object."""
    edge = np.ones(masks.shape[1:], np.bool_)
    edge[1:-1, 1:-1] = False
    without_holes: Masks = ~connected(~masks, edge)
    return without_holes


def edges(pixels: Pixels, inside: Masks, masks: Masks) -> Floats:
    """Return how much of each outline is an edge in the photo, from 0 to 1, of shape (windows,).

    That of a whole object is one nearly everywhere. The outline of a part of it is not, nor that of a background.
    """
    colours = pixels.astype(np.float32)
    steps = np.zeros(masks.shape, np.float32)
    steps[:, :, 1:-1] = ((colours[:, :, 2:] - colours[:, :, :-2]) ** 2).sum(axis=-1)
    steps[:, 1:-1] = np.maximum(steps[:, 1:-1], ((colours[:, 2:] - colours[:, :-2]) ** 2).sum(axis=-1))
    is_edge = 1 - np.exp(-steps / np.float32(STEEP**2))
    for axis in (1, 2):
        # An edge may be one pixel off the outline. What wraps around is not near one.
        is_edge = np.maximum.reduce([np.roll(is_edge, shift, axis) for shift in (-1, 0, 1)])
    outline_pixels = masks & inside & (means(masks.astype(np.float32), 1) < ALL)
    shares: Floats = (is_edge * outline_pixels).sum(axis=(1, 2)) / np.maximum(outline_pixels.sum(axis=(1, 2)), 1)
    return shares


def boxes(masks: Masks, windows: Floats) -> Floats:
    """Return left, top, right and bottom of each object in pixels of the photo, of shape (windows, 4).

    NaN if it has fewer than four rows or columns. Rows and columns of one pixel do not count.
    """
    found = np.full((len(masks), 4), np.nan)
    for index, (mask, (x, y, side)) in enumerate(zip(masks, windows, strict=True)):
        rows, columns = (np.flatnonzero(mask.sum(axis=axis) > 1) for axis in (1, 0))
        if min(len(rows), len(columns)) >= 4:
            ends = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
            found[index] = np.array([x, y, x, y]) + (ends / len(mask) - 0.5) * side * CONTEXT
    return found


def _similarities(pixels: Pixels) -> tuple[Singles, Singles]:
    """Return how similar each pixel is to the next one, across and down, from 0 to 1."""
    values = pixels.astype(np.float32)
    squares = (np.square(np.diff(values, axis=axis)).sum(axis=3) for axis in (2, 1))
    across, down = (np.exp(-square / np.float32(2 * SIMILAR**2)) for square in squares)
    return across, down


def _histogram(colours: npt.NDArray[np.int32], weights: Singles) -> Singles:
    """Return the share of each colour, blurred over the next levels, of shape (windows, COLOURS ** 3)."""
    count, bins = len(colours), COLOURS**3
    numbered = colours.reshape(count, -1) + np.arange(count)[:, np.newaxis] * bins
    sums = np.bincount(numbered.ravel(), weights.ravel(), count * bins).astype(np.float32)
    sums = sums.reshape(count, COLOURS, COLOURS, COLOURS)
    for axis in (1, 2, 3):
        before, after = np.roll(sums, 1, axis), np.roll(sums, -1, axis)
        ends: list[slice | int] = [slice(None)] * 4
        ends[axis] = 0
        before[tuple(ends)] = 0
        ends[axis] = -1
        after[tuple(ends)] = 0
        sums = sums / 2 + (before + after) / 4
    shares = sums.reshape(count, bins)
    result: Singles = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9) + np.float32(RARE)
    return result


def _of_pixels(values: Singles, colours: npt.NDArray[np.int32]) -> Singles:
    """Return the value of each pixel's colour."""
    taken: Singles = np.take_along_axis(values, colours.reshape(len(colours), -1), axis=1).reshape(colours.shape)
    return taken


def _smoothed(odds: Singles, across: Singles, down: Singles) -> Singles:
    """Return the probability of each pixel, given the logarithms of the odds and its neighbours."""
    spin = np.tanh(odds / 2)
    for _ in range(NEIGHBOUR_ROUNDS):
        drawn = np.zeros_like(spin)
        drawn[:, :, 1:] += across * spin[:, :, :-1]
        drawn[:, :, :-1] += across * spin[:, :, 1:]
        drawn[:, 1:] += down * spin[:, :-1]
        drawn[:, :-1] += down * spin[:, 1:]
        spin = np.tanh((odds + NEIGHBOURS * drawn) / 2)
    result: Singles = (spin + 1) / 2
    return result


def _contrast(ratio: Singles, masks: Masks, inside: Masks) -> Floats:
    """Return the smaller mean logarithm of the ratio of colour probabilities, of object and surroundings."""
    means = []
    for part, sign in ((masks, 1), (inside & ~masks, -1)):
        counts = np.maximum(part.sum(axis=(1, 2)), 1)
        means.append(sign * (ratio * part).sum(axis=(1, 2), dtype=np.float64) / counts)
    smaller: Floats = np.minimum(*means)
    return smaller
