"""The stages from photos to features, as the manifest's seconds name them."""

from collections.abc import Mapping

STAGES = ("features", "descriptors", "vocabulary", "histograms")
"""Stages from photos to features: of a network (the first) or of visual words (the others)."""

TASK_STAGES = ("read", "decode", "infer", "describe", "write")
"""The timed parts of their tasks."""


def extraction_seconds(seconds: Mapping[str, float]) -> float:
    """Return the seconds from photos to features, given the manifest's seconds per stage."""
    return sum(seconds.get(stage, 0.0) for stage in STAGES)
