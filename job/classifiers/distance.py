"""Measure how far a photo is from the training photos, to recognize photos unlike any of them.

It is the Mahalanobis distance of a photo's components to the nearest mean of a label, under the pooled and shrunken
covariance within the labels (Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
Adversarial Attacks", NeurIPS 2018); docs/decisions/0142-unknown.md.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job.images import with_column
from job.matrices import from_npz, row_products, to_npz

UNKNOWN = "unknown"
"""Predicted label of a rejected photo."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """The arrays that a distance is computed from, and the limit above which a photo is unknown."""

    whitening: Floats  # float64 of shape (k, k): after it, the covariance within the labels is the identity
    means: Floats  # float64 of shape (labels, k): the mean of each label with training photos, after ``whitening``
    limit: float  # infinite if no label has photos in two folds

    def of(self, components: npt.NDArray[np.number[Any]]) -> Floats:
        """Return the distances, of shape (photos,), of components of shape (photos, k)."""
        whitened = row_products(components, self.whitening)
        squares = (whitened * whitened).sum(axis=1)[:, np.newaxis] + (self.means * self.means).sum(axis=1)
        nearest = (squares - 2 * row_products(whitened, self.means)).min(axis=1)
        # Rounding makes the square of a distance of zero slightly negative.
        distances: Floats = np.sqrt(np.maximum(nearest, 0))
        return distances

    def to_file(self) -> bytes:
        """Return the content of distance.npz, the same bytes for the same arrays."""
        return to_npz({"whitening": self.whitening, "means": self.means, "limit": np.array(self.limit)})

    @classmethod
    def from_file(cls, content: bytes) -> Self:
        """Return the distance from the content of distance.npz."""
        saved = from_npz(content)
        return cls(saved["whitening"], saved["means"], float(saved["limit"]))


def with_unknown(predictions: pa.Table, reject_below: float, limit: float) -> pa.Table:
    """Return predictions in which photos are unknown that are not probable enough, or too far from training photos.

    Parameters
    ----------
    predictions
        With the columns ``predicted``, ``probability`` and ``distance``.
    reject_below
        Least probability of a label.
    limit
        Largest distance of a photo that is known.
    """
    improbable = pc.less(predictions["probability"], pa.scalar(reject_below, pa.float32()))
    far = pc.fill_null(pc.greater(predictions["distance"], pa.scalar(limit, pa.float32())), False)
    labels = pc.if_else(pc.or_(improbable, far), UNKNOWN, predictions["predicted"])
    return with_column(predictions, "predicted", labels)
