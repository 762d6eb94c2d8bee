"""Compare the probabilities of predictions with the share that is right."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job.images import TEST, of_split

BINS = 10
"""Bins of the probability, of equal width from 0 to 1."""


@dataclass(frozen=True)
class Calibration:
    """Test photos by the probability of their predicted label; every array has shape (BINS,)."""

    photos: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    right: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    probability: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))  # sums

    def __add__(self, other: "Calibration") -> "Calibration":
        """Return the calibration of the photos of both."""
        return Calibration(self.photos + other.photos, self.right + other.right, self.probability + other.probability)

    def as_metrics(self) -> dict[str, Any] | None:
        """Return the entry "calibration" of metrics.json; None without photos.

        ``ece`` is the expected calibration error: the mean difference between the mean probability of a bin and the
        share that is right in it, weighted by photos (Guo et al., "On Calibration of Modern Neural Networks", 2017).
        """
        total = int(self.photos.sum())
        if not total:
            return None
        bins = [
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "photos": int(photos),
                "probability": round(float(probability / photos), 6),
                "accuracy": float(right / photos),
            }
            for number, (photos, right, probability) in enumerate(
                zip(self.photos, self.right, self.probability, strict=True)
            )
            if photos
        ]
        return {"ece": round(float(np.abs(self.probability - self.right).sum() / total), 6), "bins": bins}


def calibration_of(predictions: pa.Table) -> Calibration:
    """Return the calibration of the test photos of a predictions table; photos of untrained labels are wrong."""
    test = of_split(predictions, TEST)
    # Multiples of 2 ** -30, whose sums are exact in any order.
    probability = np.rint(test["probability"].to_numpy().astype(np.float64) * 2**30) / 2**30
    right = pc.equal(test["predicted"], test["label"]).to_numpy().astype(np.int64)
    bins = np.minimum((probability * BINS).astype(np.intp), BINS - 1)
    photos = np.bincount(bins, minlength=BINS).astype(np.int64)
    return Calibration(
        photos, np.bincount(bins, right, BINS).astype(np.int64), np.bincount(bins, probability, BINS).astype(np.float64)
    )
