"""How fast the job is, per core: from the manifest of a run, else from our benchmark; always an extrapolation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_PHOTOS = 1000
"""Of a run whose speed counts: in a shorter one, starting Python and loading the backbone outweigh the photos."""

GROWING_STAGES = ("features", "fit", "projection")
"""Stages whose time grows with the photos and shrinks with the cores; the others are counted as they were."""

FIXED_STAGES = ("list", "backbone", "start")


@dataclass(frozen=True)
class Speed:
    """How fast the job is."""

    photos_a_second_and_core: float
    fixed_seconds: float  # of the other stages
    basis: str  # what this was seen on, for a person

    def seconds(self, photos: int, cores: int) -> float:
        """Return how long the job takes for photos on cores, in seconds."""
        return self.fixed_seconds + photos / (self.photos_a_second_and_core * cores)


BENCHMARK = Speed(
    92.0,
    0.0,
    "our benchmark: 184 photos a second, features only, on 2 cores of an AMD EPYC (not an EC2 instance), "
    "and a virtual CPU counted as one of those cores",
)
"""MobileNetV2 at full precision, 2 tasks; fitting and projecting are small beside it and not counted."""


def measured(manifest: Mapping[str, Any], cores: float, where: str) -> Speed | None:
    """Return the speed of a run, None if its manifest cannot tell it.

    Parameters
    ----------
    cores
        Virtual CPUs that worked on it, the mean over the run.
    """
    photos, seconds = manifest.get("counts", {}).get("used", 0), manifest.get("seconds", {})
    growing = sum(seconds.get(stage, 0.0) for stage in GROWING_STAGES)
    # Features that were taken over from an earlier run took no time in this one.
    reused = (manifest.get("resumed") or {}).get("reused", 0)
    # A run with visual words has no such stage, and says nothing of how fast a network is.
    if photos < LEAST_PHOTOS or not seconds.get("features") or cores <= 0 or reused:
        return None
    fixed = sum(seconds.get(stage, 0.0) for stage in FIXED_STAGES)
    return Speed(photos / growing / cores, fixed, f"{where}: {photos:,} photos in {growing + fixed:,.0f} s")
