"""Fit the principal components and project every photo on them.

``passes`` and ``stage`` are public too, and need Spark.
"""

from job.pca import components
from job.pca.components import Classes, Moments, PrincipalComponents, Projection

__all__ = [
    "Classes",
    "Moments",
    "PrincipalComponents",
    "Projection",
    "components",
]
