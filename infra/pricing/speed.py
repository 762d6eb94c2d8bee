"""The job's speed per core: of the last run on this type of node, kept on this machine, else of our benchmark.

Every time computed from it is an extrapolation.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.aws import Aws
from infra.emr import INSTANCE_TYPES
from infra.runs import Step, mean_cores, nodes_of
from job.errors import NotWrittenError
from job.storage import write_bytes

LEAST_PHOTOS = 1000
"""Of a run whose speed counts: in a shorter one, starting Python and loading the backbone outweigh the photos."""

GROWING_STAGES = ("features", "fit", "projection", "quality")
"""Stages whose time grows with the photos and shrinks with the cores; the others are counted as they were."""

FIXED_STAGES = ("list", "backbone", "start")


@dataclass(frozen=True)
class Speed:
    """How fast the job is."""

    photos_a_second_and_core: float
    fixed_seconds: float  # of the stages that do not grow with the photos
    basis: str  # the run or machine that it was measured on

    def seconds(self, photos: int, cores: int) -> float:
        """Return how long the job takes for photos on cores, in seconds."""
        return self.fixed_seconds + photos / (self.photos_a_second_and_core * cores)


BENCHMARK = Speed(
    92.0,
    60.0,
    "our benchmark: 184 photos a second, features only, on 2 cores of an AMD EPYC (not an EC2 instance), "
    "and a virtual CPU counted as one of those cores; a minute is assumed for the start of Spark, the listing and the "
    "backbone",
)
"""MobileNetV2 at full precision, 2 tasks; fitting and projecting take little time and are not counted."""


def measured(manifest: Mapping[str, Any], cores: float, where: str) -> Speed | None:
    """Return the speed of a run on so many cores, the mean over the run; None if its manifest cannot tell it."""
    photos, seconds = manifest.get("counts", {}).get("used", 0), manifest.get("seconds", {})
    growing = sum(seconds.get(stage, 0.0) for stage in GROWING_STAGES)
    # Reused features took no time in this run.
    reused = (manifest.get("resumed") or {}).get("reused", 0)
    # A run with visual words has no such stage, and says nothing of how fast a network is.
    if photos < LEAST_PHOTOS or not seconds.get("features") or cores <= 0 or reused:
        return None
    fixed = sum(seconds.get(stage, 0.0) for stage in FIXED_STAGES)
    return Speed(photos / growing / cores, fixed, f"{where}: {photos:,} photos in {growing + fixed:,.0f} s")


def keep_speed(cache: Path | None, aws: Aws, run: Step, manifest: Mapping[str, Any]) -> None:
    """Keep the speed of a completed run for later estimates, if it ran on workers of one type.

    Parameters
    ----------
    cache
        The folder of the price cache; None keeps nothing.
    """
    # A cloud on this machine says nothing of EC2's instances.
    if cache is None or aws.on_this_machine or run.started is None or run.ended is None:
        return
    workers = nodes_of(aws, run.cluster, workers_only=True)
    types = {node.instance_type for node in workers}
    if len(types) != 1 or not types <= set(INSTANCE_TYPES):
        return
    (instance_type,) = types
    cores = mean_cores(workers, run.started, run.ended)
    speed = measured(manifest, cores, f"the run '{run.run}' on {instance_type}")
    if speed is not None:
        content = json.dumps({**_kept(cache), instance_type: asdict(speed)}, indent=1)
        with suppress(NotWrittenError):
            write_bytes(str(_file(cache).absolute()), content.encode())


def expected_speed(cache: Path | None, instance_type: str) -> Speed:
    """Return the speed of the last run on workers of a type, if this machine keeps one, else the benchmark's."""
    kept = {} if cache is None else _kept(cache)
    try:
        return Speed(**kept[instance_type])
    except (KeyError, TypeError):
        return BENCHMARK


def _file(cache: Path) -> Path:
    return cache / "speed.json"


def _kept(cache: Path) -> dict[str, Any]:
    """Return the speeds that are kept by instance type; a damaged file is as good as none."""
    try:
        content = json.loads(_file(cache).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
