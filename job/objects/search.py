"""Find the objects of a photo: propose them, classify each, and merge those that agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from job.classifiers import FEATURES, Classifier
from job.images import Decoded, cut_views, smallest_share
from job.objects import windows
from job.objects.backdrop import Backdrop
from job.objects.merge import merge
from job.objects.proposals import Proposals, cut_out, outlined, whole_windows
from job.objects.windows import Floats
from job.pca import Projection

Compute = Callable[[Sequence[Decoded]], npt.NDArray[np.float32]]

AT_A_TIME = 32
"""Proposals whose pixels are in memory at the same time."""

FARTHEST = 1.25
"""Largest distance of an object, as a share of the limit: it is not as clean as a training photo."""

EXTREME = 15.0
"""Largest difference of a feature from its mean, in standard deviations. A feature that is nearly constant in training
photos may have a hundred times as much, and would decide alone."""

OUTSIDE = 128
"""Grey level outside the photo, if the training photos have no plain background."""


@dataclass(frozen=True)
class Judge:
    """What decides which proposals show an object."""

    projection: Projection
    classifier: Classifier  # with a distance
    backdrop: Backdrop | None  # None to classify windows with all of their pixels
    least: float  # least probability of a label

    def judge(self, features: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Return the probabilities of each row, and its distance as a share of the limit."""
        assert self.classifier.distance is not None  # noqa: S101 - the caller has checked it
        mean, most = self.projection.mean, EXTREME * self.projection.scale
        features = np.clip(features, mean - most, mean + most).astype(np.float32)
        components = self.projection.project(features)
        inputs = features if self.classifier.classify_on == FEATURES else components
        distances = self.classifier.distance.of(components) / self.classifier.distance.limit
        return self.classifier.probabilities(inputs), distances


@dataclass(frozen=True)
class Objects:
    """The objects of a photo, the most certain first."""

    boxes: Floats  # left, top, right and bottom in pixels of the photo, of shape (objects, 4)
    classes: npt.NDArray[np.intp]  # indices of the classifier's labels
    probabilities: Floats


def find(
    photo: Image.Image,
    judge: Judge,
    compute: Compute,
    size: tuple[int, int],
    views: int,
) -> Objects:
    """Return the objects of a photo.

    Parameters
    ----------
    compute
        Returns the features of windows.
    size
        Width and height of the windows in pixels.
    """
    proposals = whole_windows(photo) if judge.backdrop is None else outlined(photo)
    if not len(proposals):
        return Objects(np.empty((0, 4)), np.empty(0, np.intp), np.empty(0))
    features = _features(photo, proposals, judge.backdrop, compute, size, views)
    probabilities, distances = judge.judge(features)
    near = distances <= FARTHEST
    certainties = certainty(proposals, probabilities.max(axis=1), distances)
    boxes, labels = merge(proposals.boxes[near], probabilities[near], certainties[near])
    known = labels.max(axis=1) >= judge.least
    edges = np.array([0, 0, *photo.size])
    inside = np.clip(boxes[known], edges[[0, 1, 0, 1]], edges[[2, 3, 2, 3]])
    return Objects(inside, labels[known].argmax(axis=1), labels[known].max(axis=1))


def certainty(proposals: Proposals, probabilities: Floats, distances: Floats) -> Floats:
    """Return how certain it is that each proposal shows an object: more for a whole one than for a part of it."""
    sides = windows.square(proposals.boxes)[:, 2]
    certain: Floats = sides * proposals.edges**4 * np.sqrt(probabilities) * np.exp(-2 * distances**2)
    return certain


def _features(
    photo: Image.Image,
    proposals: Proposals,
    backdrop: Backdrop | None,
    compute: Compute,
    size: tuple[int, int],
    views: int,
) -> npt.NDArray[np.float32]:
    width, height = size
    side = round(max(size) / smallest_share(views))
    grey, filled = (OUTSIDE, 1.0) if backdrop is None else (backdrop.grey, backdrop.filled)
    computed: list[npt.NDArray[np.float32]] = []
    waiting: list[Decoded] = []
    for number, photo_of_one in enumerate(cut_out(photo, proposals, side, grey, filled), 1):
        waiting.append(cut_views(photo_of_one, width, height, views))
        if len(waiting) == AT_A_TIME or number == len(proposals):
            computed.append(compute(waiting))
            waiting.clear()
    return np.concatenate(computed)
