"""Computes the features of a task's photos by a network, and has them written as one Parquet file."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Accumulator, SparkFiles

from job.features.network.backbone import BackboneDescription, Network, load
from job.images.decode import Pixels, decode
from job.images.limits import RejectedPhotoError
from job.images.prefetch import photos_in_turn
from job.matrices import list_column
from job.results import layout
from job.spark import tasks, workers
from job.spark.tasks import Numbered, PhotosReport, usable

TASK_STAGES = ("read", "decode", "infer", "write")
"""What a task spends its time on; reading is the time it waited for bytes, beside what was read ahead."""


@dataclass(frozen=True)
class FeaturesTask:
    """What every task of the stage needs to know.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Goes into the files' names.
    backbone
        Description of the exported network.
    model_file
        The name under which Spark carries the exported file to the executors.
    precision
        As ``--precision`` names it.
    provenance
        What decides the features of a photo; the files say it of themselves.
    """

    output: str
    run_id: str
    backbone: BackboneDescription
    model_file: str
    precision: str
    provenance: Mapping[str, Any]


def featurize_partition(task: FeaturesTask, done: Accumulator[int], numbered: Numbered) -> PhotosReport:
    """Run one task: read, decode and infer its photos, write the features and what was set aside.

    Parameters
    ----------
    task
        What all tasks share.
    done
        Counts photos, for the progress bar.
    numbered
        Its part of the listing, as ``photo_tasks.in_tasks`` gives it.
    """
    part = tasks.take_part(task.output, "features", done, numbered)
    network = _load_network(SparkFiles.get(task.model_file), task.precision)
    workers.settle()
    seconds = dict.fromkeys(TASK_STAGES, 0.0)
    with tasks.counting(done) as photo_done:
        features, reasons = compute_features(
            part.photos["path"].to_pylist(),
            part.photos["size"].to_pylist(),
            part.photos["problem"].to_pylist(),
            task.backbone,
            network.compute_batch,
            network.batch,
            seconds,
            photo_done,
        )
    used = usable(part.photos, reasons)
    rows = tasks.all_rows(part, features_table(used, features), used, network.computed_in)
    return tasks.write_part(task.output, task.run_id, part, layout.FEATURES, rows, reasons, task.provenance, seconds)


def compute_features(
    paths: list[str],
    sizes: list[int],
    problems: list[str],
    backbone: BackboneDescription,
    compute: Callable[[Sequence[Pixels], npt.NDArray[np.float32]], None],
    batch: int,
    seconds: dict[str, float],
    photo_done: Callable[[], None],
) -> tuple[npt.NDArray[np.float32], list[str | None]]:
    """Return the features of the photos that can be used, and for every photo why not.

    Parameters
    ----------
    paths
        URIs of the photos.
    sizes
        Bytes of each.
    problems
        Why a photo cannot be opened, known from the listing; empty for most.
    backbone
        Says the photos' size and how many features there are.
    compute
        Computes the features of some photos in place.
    batch
        How many photos it takes at a time.
    seconds
        Reading, decoding and inferring add their time to it.
    photo_done
        Called after every photo.

    Returns
    -------
    features
        float32 of shape (usable photos, features), in the order of the paths.
    reasons
        One a path: None if its features were computed, else why not.
    """
    features = np.empty((len(paths), backbone.features), np.float32)
    reasons: list[str | None] = []
    decoded: list[Pixels] = []
    used = 0
    left = len(paths)
    decode_to_size = partial(decode, width=backbone.width, height=backbone.height)
    for photo in photos_in_turn(paths, sizes, problems, decode_to_size, seconds):
        left -= 1
        if isinstance(photo, RejectedPhotoError):
            reasons.append(str(photo))
        else:
            decoded.append(photo)
            reasons.append(None)
        if len(decoded) == batch or (decoded and not left):
            began = time.perf_counter()
            compute(decoded, features[used : used + len(decoded)])
            seconds["infer"] += time.perf_counter() - began
            used += len(decoded)
            decoded.clear()
        photo_done()
    return features[:used], reasons


def features_table(used: pa.Table, features: npt.NDArray[np.float32]) -> pa.Table:
    """Return the rows of a features file; the values are taken over without a copy."""
    columns = [used["path"], used["label"], used["split"], list_column(features)]
    return pa.table(columns, schema=layout.FEATURES_SCHEMA)


@lru_cache(maxsize=1)
def _load_network(path: str, precision: str) -> Network:
    # Once a worker process: Spark keeps the process for the next tasks.
    return load(path, precision)
