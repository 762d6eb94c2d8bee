"""Evaluate predictions: confusion matrix, accuracy, and precision, recall and F1 of each label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Pairs = Counter[tuple[str, str]]
"""Number of photos for each pair of true and predicted label."""

NORMAL_95 = 1.959964
"""Standard deviations around the mean of a normal distribution that hold 95 % of it."""


@dataclass(frozen=True)
class Evaluation:
    """Confusion matrix of the evaluated photos; every other measure is derived from it."""

    labels: tuple[str, ...]  # the training labels, sorted: the columns, and the first rows
    unseen: tuple[str, ...]  # labels of evaluated photos without training photos, sorted: the last rows
    matrix: npt.NDArray[np.int64]  # int64 of shape (labels + unseen, labels): photos by true and by predicted label

    @property
    def photos(self) -> int:
        """Number of evaluated photos."""
        return int(self.matrix.sum())

    @property
    def accuracy(self) -> float | None:
        """Share of photos predicted correctly; photos of unseen labels count as wrong. None without photos."""
        return _share(self.right, self.photos)

    @property
    def right(self) -> int:
        """Number of photos predicted correctly."""
        return int(np.trace(self.matrix))

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 over the training labels that have an evaluated photo or a prediction; None if none has."""
        known = [entry["f1"] for entry in self.per_label() if entry["f1"] is not None]
        return float(np.mean(known)) if known else None

    def per_label(self) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and number of photos of each training label.

        Precision is None for a label that is never predicted, recall for one without a photo, F1 for one with
        neither; a label with only one of them has F1 0.
        """
        entries = []
        for number, label in enumerate(self.labels):
            right = int(self.matrix[number, number])
            predicted, photos = int(self.matrix[:, number].sum()), int(self.matrix[number].sum())
            entries.append(
                {
                    "label": label,
                    "precision": _share(right, predicted),
                    "recall": _share(right, photos),
                    "f1": _share(2 * right, predicted + photos),
                    "photos": photos,
                }
            )
        return entries

    def always(self, label: str) -> float | None:
        """Return the accuracy of predicting one training label for every photo; None without photos."""
        return _share(int(self.matrix[self.labels.index(label)].sum()), self.photos)

    def unseen_labels(self) -> list[dict[str, Any]]:
        """Return the labels without training photos, and how many evaluated photos each has."""
        photos = self.matrix[len(self.labels) :].sum(axis=1)
        return [{"label": label, "photos": int(count)} for label, count in zip(self.unseen, photos, strict=True)]

    def table(self) -> pa.Table:
        """Return the rows of confusion_matrix.csv: true label, then photos by predicted label."""
        names = ["label", *self.labels]
        columns = [pa.array([*self.labels, *self.unseen], pa.string())]
        columns += [pa.array(self.matrix[:, number]) for number in range(len(self.labels))]
        # Not from a dictionary: a label may be called "label".
        return pa.Table.from_arrays(columns, names=names)


def interval(right: int, photos: int) -> tuple[float, float]:
    """Return the bounds of the 95 % confidence interval of an accuracy, by Wilson's score; (0, 1) without photos.

    It assumes that photos are independent, which frames of one object are not.
    """
    if not photos:
        return 0.0, 1.0
    share, z = right / photos, NORMAL_95
    middle = share + z**2 / (2 * photos)
    reach = z * np.sqrt(share * (1 - share) / photos + z**2 / (4 * photos**2))
    low, high = ((middle + sign * reach) / (1 + z**2 / photos) for sign in (-1, 1))
    return max(0.0, float(low)), min(1.0, float(high))


def evaluate(labels: Sequence[str], pairs: Pairs) -> Evaluation:
    """Return the evaluation of predictions."""
    unseen = sorted({true for true, _ in pairs} - set(labels))
    rows = {label: number for number, label in enumerate([*labels, *unseen])}
    matrix = np.zeros((len(rows), len(labels)), np.int64)
    for (true, predicted), count in pairs.items():
        matrix[rows[true], rows[predicted]] += count
    return Evaluation(tuple(labels), tuple(unseen), matrix)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
