"""Standardisation and principal components, exactly, from one pass over the features.

Every task adds up its rows' sums and products; the driver adds the tasks' and decomposes once. Every number of
components and every explained variance come from this one decomposition.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from job.errors import TooFewPhotosError
from job.matrices import row_products

Matrix = npt.NDArray[np.float64]

ROWS_AT_A_TIME = 1024
"""Rows turned into float64 at once: bounds memory, and is enough for matrix products to run at full speed."""

REACHED = 1e-12
"""A share of variance counts as reached when it is missed by no more than this: sums of floats end at 1 - 1e-16."""


@dataclass
class Moments:
    """Sums over rows, from which mean and covariance follow.

    The rows are shifted before they are summed, because the covariance of values that are large beside their
    spread would otherwise be the difference of two nearly equal numbers. Any row of the data is a good shift, and
    makes the sums of a constant dimension exactly zero.
    """

    shift: Matrix  # float64 of shape (dimensions,): subtracted from every row
    count: int
    total: Matrix  # float64 of shape (dimensions,): sum of the shifted rows
    # float64 of shape (dimensions * (dimensions + 1) / 2,): sum of the outer products of the shifted rows with
    # themselves. They are symmetric, and a task holds several of these sums: only the upper triangle is kept.
    products: Matrix

    @classmethod
    def nothing(cls, shift: Matrix) -> Self:
        """Return the moments of no rows."""
        dimensions = len(shift)
        return cls(shift, 0, np.zeros(dimensions), np.zeros(dimensions * (dimensions + 1) // 2))

    def add_rows(self, rows: npt.NDArray[np.float32]) -> None:
        """Add rows: an array of shape (rows, dimensions)."""
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            shifted = rows[start : start + ROWS_AT_A_TIME].astype(np.float64) - self.shift
            self.count += len(shifted)
            self.total += shifted.sum(axis=0)
            # NumPy sees a matrix times its own transpose and computes only half of it.
            self.products += (shifted.T @ shifted)[upper_triangle(len(self.shift))]

    def add(self, other: "Moments") -> None:
        """Add the moments of other rows with the same shift."""
        self.count += other.count
        self.total += other.total
        self.products += other.products

    def mean(self) -> Matrix:
        """Return the mean of the rows, of shape (dimensions,)."""
        return self.shift + self.total / self.count

    def covariance(self) -> Matrix:
        """Return the covariance of the rows, of shape (dimensions, dimensions), divided by rows - 1 as Spark does."""
        upper = upper_triangle(len(self.shift))
        products = np.empty(upper.shape)
        products[upper] = products.T[upper] = self.products
        covariance: Matrix = (products - np.outer(self.total, self.total) / self.count) / (self.count - 1)
        return covariance


@dataclass(frozen=True)
class PrincipalComponents:
    """A fitted standardisation and all its principal components."""

    mean: Matrix  # float64 of shape (dimensions,)
    # float64 of shape (dimensions,): standard deviations, 1 for constant dimensions or without standardisation
    scale: Matrix
    variance: Matrix  # float64 of shape (components,): explained variance of every component, largest first
    components: Matrix  # float64 of shape (components, dimensions): orthonormal rows
    constant: int  # how many dimensions have one value only

    @property
    def ratio(self) -> Matrix:
        """Share of each component in the whole variance."""
        ratio: Matrix = self.variance / self.variance.sum()
        return ratio

    @property
    def cumulative(self) -> Matrix:
        """Share of the first components in the whole variance, for every number of them."""
        return np.minimum(np.cumsum(self.ratio), 1.0)


@dataclass(frozen=True)
class Projection:
    """What turns features into components: ``(features - mean) / scale @ components.T``."""

    # mean, scale: float64 of shape (dimensions,)
    mean: Matrix
    scale: Matrix
    components: Matrix  # float64 of shape (k, dimensions)


@lru_cache(maxsize=1)
def upper_triangle(dimensions: int) -> npt.NDArray[np.bool_]:
    """Return which places of a square matrix are on its diagonal or above: bool of shape (dimensions, dimensions)."""
    return np.triu(np.ones((dimensions, dimensions), np.bool_))


def add_in_pairs(moments: Iterable[Moments]) -> Moments:
    """Return the sum of moments, added in pairs, then pairs of pairs, and so on; at least one is needed.

    Sums of aligned groups of 2, 4, 8, ... of them, added in pairs in turn, come to the same result to the last bit:
    which task adds which group makes no difference.
    """
    pending: list[Moments] = []
    for number, added in enumerate(moments, start=1):
        pending.append(added)
        # Every zero at the end of the number, written in twos, completes one more pair.
        for _ in range((number & -number).bit_length() - 1):
            last = pending.pop()
            pending[-1].add(last)
    total = pending.pop()
    while pending:
        pending[-1].add(total)
        total = pending.pop()
    return total


def fit(moments: Moments, standardize: bool) -> PrincipalComponents:
    """Return the principal components of the rows behind the moments.

    There are min(rows - 1, dimensions) of them. Signs are fixed by making each component's largest loading, by
    absolute value, positive: as scikit-learn does, so that two runs give the same components.
    """
    if moments.count < 2:
        raise TooFewPhotosError(
            f"Principal components need at least 2 photos that can be used; there is {moments.count}.",
            "Give more photos.",
        )
    covariance = moments.covariance()
    deviations = np.sqrt(np.clip(np.diag(covariance), 0, None))
    if not deviations.any():
        raise TooFewPhotosError(
            f"All {moments.count} photos have the same features, so there is no variance to explain.",
            "Give photos that differ.",
        )
    varies = deviations > 0
    scale = np.where(varies, deviations, 1.0) if standardize else np.ones_like(deviations)
    # With several threads the last bits depend on how many there are.
    with threadpool_limits(1, "blas"):
        values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    count = min(moments.count - 1, len(values))
    # eigh sorts upwards; rounding makes what should be zero slightly negative.
    variance = np.clip(values[::-1][:count], 0, None)
    components = fix_signs(vectors.T[::-1][:count])
    return PrincipalComponents(moments.mean(), scale, variance, components, int((~varies).sum()))


def fix_signs(components: Matrix) -> Matrix:
    """Return the components with each row's largest loading, by absolute value, made positive."""
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    fixed: Matrix = components * signs[:, np.newaxis]
    return fixed


def components_for(cumulative: Matrix, variance: float) -> int:
    """Return how many components keep a share of the variance."""
    return min(int(np.searchsorted(cumulative, variance - REACHED)) + 1, len(cumulative))


def require_components(wanted: int, photos: int, dimensions: int) -> None:
    """Raise UsageError if so many components cannot exist."""
    most = min(photos - 1, dimensions)
    if not 1 <= wanted <= most:
        raise TooFewPhotosError(
            f"--components {wanted} is not possible with {photos} photos of {dimensions} features each.",
            f"Choose between 1 and {most}: at most the smaller of photos - 1 and features.",
        )


def project(rows: npt.NDArray[np.float32], mean: Matrix, scale: Matrix, components: Matrix) -> npt.NDArray[np.float32]:
    """Return the components of rows of features, computed in float64 and rounded to float32.

    A row's components are the same to the last bit whichever rows it is projected with.

    Parameters
    ----------
    rows
        Shape (rows, dimensions).
    mean, scale
        Shape (dimensions,).
    components
        Shape (components, dimensions).
    """
    # The scale goes into the matrix once, rather than into every row.
    return row_products(rows, components / scale, mean).astype(np.float32)


def explained_variance_rows(fitted: PrincipalComponents) -> list[Sequence[float]]:
    """Return component number (from 1), variance, ratio and cumulative ratio of every component."""
    numbers = range(1, len(fitted.variance) + 1)
    columns = (fitted.variance, fitted.ratio, fitted.cumulative)
    return list(zip(numbers, *(column.tolist() for column in columns), strict=True))
