"""Choose the least probability of a label for a wanted precision: ``--wanted-precision``; docs/decisions/0142."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job.errors import PrecisionNotReachedError


@dataclass(frozen=True)
class HeldOut:
    """Predictions of photos by a classifier that was trained without them."""

    probability: npt.NDArray[np.float32]  # shape (photos,): of the predicted label
    right: npt.NDArray[np.bool_]  # shape (photos,)

    @classmethod
    def nothing(cls) -> Self:
        """Return the predictions of no photo."""
        return cls(np.empty(0, np.float32), np.empty(0, np.bool_))

    @classmethod
    def of(cls, predictions: pa.Table) -> Self:
        """Return the predictions of a table, all of whose photos have a label."""
        right = pc.equal(predictions["predicted"], predictions["label"])
        return cls(predictions["probability"].to_numpy(), right.to_numpy())

    @classmethod
    def joined(cls, parts: Sequence["HeldOut"]) -> Self:
        """Return the predictions of all parts."""
        every = [HeldOut.nothing(), *parts]
        return cls(np.concatenate([part.probability for part in every]), np.concatenate([part.right for part in every]))


@dataclass(frozen=True)
class Threshold:
    """The least probability of a label that was chosen, and what it gives on the held-out photos."""

    wanted: float
    reject_below: float
    precision: float  # share of the photos at or above ``reject_below`` that are right
    kept: float  # share of the photos that are at or above it
    photos: int

    def as_metrics(self) -> dict[str, Any]:
        """Return the entry "chosen" of metrics.json."""
        return {"wanted_precision": self.wanted, "precision": self.precision, "kept": self.kept, "photos": self.photos}

    def sentence(self) -> str:
        """Return the line that the run prints."""
        return (
            f"For a precision of {self.wanted:.2%}, photos less probable than {self.reject_below:.4f} are unknown: "
            f"of {self.photos:,} held-out photos, {self.kept:.1%} are kept and {self.precision:.2%} of these are right."
        )


def choose(held_out: HeldOut, wanted: float) -> Threshold:
    """Return the threshold that reaches a precision and keeps most photos.

    It must keep at least 1 / (1 - wanted) photos: of fewer, a single mistake would be too many, so that their
    precision says nothing.

    Raises
    ------
    PrecisionNotReachedError
        If no threshold does.
    """
    order = np.argsort(-held_out.probability, kind="stable")
    probability = held_out.probability[order]
    kept = np.arange(1, len(order) + 1)
    precision = held_out.right[order].cumsum() / kept
    # A threshold keeps all photos of its probability.
    ends = np.append(probability[1:] < probability[:-1], True) if len(order) else np.empty(0, np.bool_)
    least = int(np.ceil(round(1 / (1 - wanted), 6)))
    possible = np.flatnonzero(ends & (kept >= least))
    reached = possible[precision[possible] >= wanted]
    if not len(reached):
        raise _not_reached(wanted, least, precision[possible], len(order))
    last = reached[-1]
    return Threshold(
        wanted, float(probability[last]), float(precision[last]), float(kept[last] / len(order)), len(order)
    )


def _not_reached(wanted: float, least: int, precision: npt.NDArray[np.float64], photos: int) -> Exception:
    best = float(precision.max(initial=0.0))
    found = f"the best is {best:.2%}" if len(precision) else f"there are only {photos:,}"
    hint = "leave out --wanted-precision"
    # Rounded down, so that it is reached.
    reachable = np.floor(100 * best) / 100
    if 0 < reachable < wanted:
        hint = f"ask for less: --wanted-precision {reachable:g}"
    return PrecisionNotReachedError(
        f"--wanted-precision must be reached on at least {least:,} held-out photos, got {wanted:g}: {found}.",
        f"Repeat the run with --resume, and {hint}",
    )
