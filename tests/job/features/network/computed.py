"""Features as the job computes them of photos, and how close others come to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from job.features.network import Backbone, load, read_description
from job.images import Pixels
from job.images.decode import decode

Features = np.ndarray[Any, np.dtype[np.float32]]


def features_of(model: Path, photos: Sequence[bytes]) -> Features:
    """Return what an exported file computes of the contents of photos, of shape (photos, features)."""
    described, network = read_description(model), load(model)
    pixels = [decode(photo, described.width, described.height) for photo in photos]
    features = np.empty((len(photos), described.features), np.float32)
    for start in range(0, len(photos), network.batch):
        together = slice(start, start + network.batch)
        network.compute_batch(pixels[together], features[together])
    return features


def one_by_one(model: Path, photos: Sequence[Pixels]) -> Features:
    """Return what the whole network computes of photos, one after the other, of shape (photos, features)."""
    backbone = Backbone(model)
    features = np.empty((len(photos), backbone.features), np.float32)
    for photo, row in zip(photos, features, strict=True):
        backbone.compute(photo, row)
    return features


def cosines(ours: Features, theirs: Features) -> Features:
    """Return the cosine between the rows of two matrices."""
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosine: Features = (ours * theirs).sum(axis=1) / lengths
    return cosine
