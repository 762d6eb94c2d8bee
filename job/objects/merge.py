"""Merge windows that agree on an object, and drop those that it rules out."""

import numpy as np
import numpy.typing as npt

from job.objects.windows import Floats

AGREE = 0.75
"""Least intersection over union with the best window of an object from which on a window has a say in its label."""

OVERLAP = 0.3
"""Intersection over union with a better window from which on a window is dropped."""

CONTAINED = 0.6
"""Share of the smaller of two windows inside the other from which on the worse one is dropped."""


def merge(boxes: Floats, probabilities: Floats, certainties: Floats) -> tuple[Floats, Floats]:
    """Return the objects that windows show, the most certain first.

    Box and probabilities of an object are the means of those windows that agree on the place, weighted by certainty.

    Parameters
    ----------
    boxes
        Left, top, right and bottom, of shape (windows, 4).
    probabilities
        Of each label, of shape (windows, labels).
    certainties
        How certain it is that a window shows an object, of shape (windows,); above 0.

    Returns
    -------
    boxes
        Shape (objects, 4).
    probabilities
        Shape (objects, labels).
    """
    shares, contained = overlaps(boxes)
    best = _best(certainties, (shares >= OVERLAP) | (contained >= CONTAINED))
    weights = (shares[best] >= AGREE) * certainties
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ boxes, weights @ probabilities


def distinct(boxes: Floats, scores: Floats, share: float) -> npt.NDArray[np.intp]:
    """Return the indices of boxes, the best first, without those that overlap a better one by at least a share."""
    return _best(scores, overlaps(boxes)[0] >= share)


def _best(scores: Floats, rules_out: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the indices of boxes, the best first, without those that a better one rules out.

    ``rules_out``: which boxes each box rules out, itself among them, of shape (boxes, boxes).
    """
    left = np.ones(len(scores), np.bool_)
    best = []
    for index in np.argsort(-scores, kind="stable"):
        if left[index]:
            best.append(index)
            left &= ~rules_out[index]
    return np.array(best, np.intp)


def overlaps(boxes: Floats) -> tuple[Floats, Floats]:
    """Return the intersection of each two boxes over their union, and over the smaller one."""
    first, last = boxes[:, :2], boxes[:, 2:]
    sides = np.minimum(last[:, np.newaxis], last) - np.maximum(first[:, np.newaxis], first)
    inside = np.maximum(sides, 0).prod(axis=2)
    areas = (last - first).prod(axis=1)
    union = areas[:, np.newaxis] + areas - inside
    return inside / union, inside / np.minimum(areas[:, np.newaxis], areas)
