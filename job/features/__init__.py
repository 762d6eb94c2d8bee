"""Compute a feature vector for each photo, with a network or with visual words.

``extractor``, the feature extractor interface, is public too, and needs Spark.
"""

from job.features.stages import STAGES, TASK_STAGES, extraction_seconds

__all__ = ["STAGES", "TASK_STAGES", "extraction_seconds"]
