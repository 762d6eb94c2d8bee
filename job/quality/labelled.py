"""Read the photos with a label: what tells them apart, and their first components, in one pass over the features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast, SparkContext

from job.images import PREDICT
from job.matrices import matrix
from job.pca import Projection
from job.results import DataFile, resume
from job.spark import session, workers


@dataclass(frozen=True)
class Labelled:
    """The photos with a label, in the order of the listing."""

    photos: pa.Table  # path, label, split, digest and thumbnail
    components: npt.NDArray[np.float32]  # shape (photos, dimensions)


def read(
    context: SparkContext, output: str, files: Sequence[DataFile], projection: Projection | None = None
) -> Labelled:
    """Read features files, in the order of the listing; without a projection, without their features."""
    shared = context.broadcast(projection)
    parts = session.spread(context, files).map(lambda file: _read_file(output, file, shared)).collect()
    photos = pa.concat_tables(part.photos for part in parts).combine_chunks()
    return Labelled(photos, np.concatenate([part.components for part in parts]))


def _read_file(output: str, file: DataFile, shared: "Broadcast[Projection | None]") -> Labelled:
    with workers.ended_if_silent():
        projection = shared.value
        wanted = ["path", "label", "split"] + (["features"] if projection else [])
        table, described = resume.read_stamped(output, file.path, wanted)
        stamped = resume.stamped(described, len(table))
        for name in resume.IDENTITY:
            table = table.append_column(name, stamped[name])
        table = table.filter(pc.not_equal(table["split"], PREDICT))
        rows = np.empty((len(table), 0 if projection is None else len(projection.components)), np.float32)
        if projection and len(table):
            rows = projection.project(matrix(table["features"]))
        return Labelled(table.select(["path", "label", "split", *resume.IDENTITY]), rows)
