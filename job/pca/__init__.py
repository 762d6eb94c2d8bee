"""Fit the principal components and project every photo on them.

``passes`` is public too, and needs Spark.
"""

from job.pca import components
from job.pca.components import Moments, PrincipalComponents, Projection, project

__all__ = [
    "Moments",
    "PrincipalComponents",
    "Projection",
    "components",
    "project",
]
