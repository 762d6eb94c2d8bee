"""Fit standardization and principal components exactly, from one pass over the features.

Each task sums its rows and their products. The driver adds the sums of all tasks and decomposes the covariance once;
this gives all components and their explained variance.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from job.errors import TooFewPhotosError
from job.matrices import from_npz, row_products, to_npz

Matrix = npt.NDArray[np.float64]
Classes = npt.NDArray[np.intp]

ROWS_AT_A_TIME = 1024
"""Rows converted to float64 at once: bounds memory, and is enough for matrix products at full speed."""

REACHED = 1e-12
"""Tolerance for reaching a share of the variance: a sum of floats may end at 1 - 1e-16."""


@dataclass
class Moments:
    """Sums over rows, which give mean and covariance.

    Rows are shifted before they are summed, to avoid cancellation where values are large relative to their spread.
    Any row of the data is a good shift, and makes the sums of a constant dimension exactly zero.
    """

    shift: Matrix  # float64 of shape (dimensions,): subtracted from every row
    count: int
    total: Matrix  # float64 of shape (dimensions,): sum of the shifted rows
    # float64 of shape (dimensions * (dimensions + 1) / 2,): upper triangle of the sum of outer products of the shifted
    # rows. The sum is symmetric, and a task holds several of them.
    products: Matrix
    class_counts: npt.NDArray[np.int64]  # int64 of shape (classes,): rows by class; no classes if not asked for
    class_totals: Matrix  # float64 of shape (classes, dimensions): sum of the shifted rows of each class

    @classmethod
    def nothing(cls, shift: Matrix, classes: int = 0) -> Self:
        """Return the moments of zero rows."""
        dimensions = len(shift)
        products = np.zeros(dimensions * (dimensions + 1) // 2)
        return cls(
            shift, 0, np.zeros(dimensions), products, np.zeros(classes, np.int64), np.zeros((classes, dimensions))
        )

    def add_rows(self, rows: npt.NDArray[np.float32], classes: Classes | None = None) -> None:
        """Add rows, of shape (rows, dimensions), and their classes if the moments have classes."""
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            shifted = rows[start : start + ROWS_AT_A_TIME].astype(np.float64) - self.shift
            self.count += len(shifted)
            self.total += shifted.sum(axis=0)
            # NumPy computes only half of a product of a matrix with its transpose.
            self.products += (shifted.T @ shifted)[upper_triangle(len(self.shift))]
            if classes is not None:
                self._add_classes(shifted, classes[start : start + ROWS_AT_A_TIME])

    def _add_classes(self, shifted: Matrix, classes: Classes) -> None:
        for number in np.unique(classes):
            members = shifted[classes == number]
            self.class_counts[number] += len(members)
            self.class_totals[number] += members.sum(axis=0)

    def add(self, other: "Moments") -> None:
        """Add the moments of other rows with the same shift and classes."""
        self.count += other.count
        self.total += other.total
        self.products += other.products
        self.class_counts += other.class_counts
        self.class_totals += other.class_totals

    def without(self, other: "Moments") -> "Moments":
        """Return the moments of these rows without some of them."""
        return Moments(
            self.shift,
            self.count - other.count,
            self.total - other.total,
            self.products - other.products,
            self.class_counts - other.class_counts,
            self.class_totals - other.class_totals,
        )

    def mean(self) -> Matrix:
        """Return the mean of the rows, of shape (dimensions,)."""
        return self.shift + self.total / self.count

    def covariance(self) -> Matrix:
        """Return the covariance of the rows, of shape (dimensions, dimensions), divided by rows - 1 as in Spark."""
        covariance: Matrix = (self._product_matrix() - np.outer(self.total, self.total) / self.count) / (self.count - 1)
        return covariance

    def class_means(self) -> Matrix:
        """Return the mean of each class, of shape (classes, dimensions); NaN for a class without rows."""
        with np.errstate(invalid="ignore"):
            means: Matrix = self.shift + self.class_totals / self.class_counts[:, np.newaxis]
        return means

    def within_covariance(self) -> Matrix:
        """Return the pooled covariance within the classes, of shape (dimensions, dimensions), divided by rows."""
        scaled = self.class_totals / np.sqrt(np.maximum(self.class_counts, 1))[:, np.newaxis]
        with threadpool_limits(1, "blas"):
            covariance: Matrix = (self._product_matrix() - scaled.T @ scaled) / self.count
        return covariance

    def _product_matrix(self) -> Matrix:
        upper = upper_triangle(len(self.shift))
        products = np.empty(upper.shape)
        products[upper] = products.T[upper] = self.products
        return products


@dataclass(frozen=True)
class PrincipalComponents:
    """Fitted standardization and all principal components."""

    mean: Matrix  # float64 of shape (dimensions,)
    # float64 of shape (dimensions,): standard deviations; 1 for constant dimensions or without standardization
    scale: Matrix
    variance: Matrix  # float64 of shape (components,): explained variance, largest first
    components: Matrix  # float64 of shape (components, dimensions): orthonormal rows
    constant: int  # number of constant dimensions

    @property
    def ratio(self) -> Matrix:
        """Share of each component in the total variance."""
        ratio: Matrix = self.variance / self.variance.sum()
        return ratio

    @property
    def cumulative(self) -> Matrix:
        """Share of the first 1, 2, 3, ... components in the total variance."""
        return np.minimum(np.cumsum(self.ratio), 1.0)


@dataclass(frozen=True)
class Projection:
    """Map from features to components: ``(features - mean) / scale @ components.T``."""

    # mean, scale: float64 of shape (dimensions,)
    mean: Matrix
    scale: Matrix
    components: Matrix  # float64 of shape (k, dimensions)

    @cached_property
    def weights(self) -> Matrix:
        """Components divided by the scale; cached, because to divide takes as long as to project a small file."""
        return self.components / self.scale

    def project(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the components of rows of features, of shape (rows, k), computed in float64 and rounded to float32.

        The components of a row do not depend on the other rows, bit for bit.

        ``features``: shape (rows, dimensions).
        """
        return row_products(features, self.weights, self.mean).astype(np.float32)

    def to_file(self) -> bytes:
        """Return the content of projection.npz, the same bytes for the same arrays."""
        return to_npz({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_file(cls, content: bytes) -> Self:
        """Return the projection from the content of projection.npz."""
        saved = from_npz(content)
        return cls(saved["mean"], saved["scale"], saved["components"])


@lru_cache(maxsize=1)
def upper_triangle(dimensions: int) -> npt.NDArray[np.bool_]:
    """Return the mask of the upper triangle with the diagonal: bool of shape (dimensions, dimensions)."""
    return np.triu(np.ones((dimensions, dimensions), np.bool_))


def add_in_pairs(moments: Iterable[Moments]) -> Moments:
    """Return the sum of one or more moments, added as a binary tree.

    If aligned groups of 2, 4, 8, ... are summed first, in any task, the result is the same, bit for bit.
    """
    pending: list[Moments] = []
    for number, added in enumerate(moments, start=1):
        pending.append(added)
        # Each trailing zero of the binary number completes one more pair.
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
            f"Principal components need at least 2 usable photos, got {moments.count}.",
            "Add photos to the folder of --images.",
        )
    covariance = moments.covariance()
    deviations = np.sqrt(np.clip(np.diag(covariance), 0, None))
    if not deviations.any():
        raise TooFewPhotosError(
            f"Principal components need photos that differ; all {moments.count} have the same features.",
            "Add different photos to the folder of --images.",
        )
    varies = deviations > 0
    scale = np.where(varies, deviations, 1.0) if standardize else np.ones_like(deviations)
    # The number of threads changes the last bits.
    with threadpool_limits(1, "blas"):
        values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    count = min(moments.count - 1, len(values))
    # eigh sorts in ascending order, and rounding makes zeros slightly negative.
    variance = np.clip(values[::-1][:count], 0, None)
    components = fix_signs(vectors.T[::-1][:count])
    return PrincipalComponents(moments.mean(), scale, variance, components, int((~varies).sum()))


def fix_signs(components: Matrix) -> Matrix:
    """Return the components with the sign that makes the largest absolute loading of each row positive."""
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    fixed: Matrix = components * signs[:, np.newaxis]
    return fixed


def components_for(cumulative: Matrix, variance: float) -> int:
    """Return the number of components that keep a share of the variance."""
    return min(int(np.searchsorted(cumulative, variance - REACHED)) + 1, len(cumulative))


def require_components(wanted: int, photos: int, dimensions: int) -> None:
    """Raise TooFewPhotosError if that many components are impossible."""
    most = min(photos - 1, dimensions)
    if not 1 <= wanted <= most:
        raise TooFewPhotosError(
            f"--components must be between 1 and {most} with {photos} photos of {dimensions} features, got {wanted}.",
            f"Use --components {most} or fewer, or add photos.",
        )


def explained_variance(fitted: PrincipalComponents) -> pa.Table:
    """Return the rows of explained_variance.csv: a component's number from 1, variance, ratio and cumulative ratio."""
    columns = {"variance": fitted.variance, "ratio": fitted.ratio, "cumulative": fitted.cumulative}
    return pa.table({"component": np.arange(1, len(fitted.variance) + 1), **columns})
