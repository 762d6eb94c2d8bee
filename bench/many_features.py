"""Measures the stages after the features on many of them: components, discriminant and the checks of photos.

    python -m bench.many_features [--photos 90000] [--labels 131]

The features are drawn, not computed: an object is a random point near the one of its label, and ten photos scatter
around it. A quarter of the photos are test photos. It prints the seconds of each stage after Spark's start, and for
each process name the largest resident memory of one process.
"""

import argparse
import base64
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench import watched
from job.classifiers import DISCRIMINANT, FEATURES, stage
from job.classifiers.training import Training
from job.classifiers.unknown import Fitted
from job.images import TEST, THUMBNAIL_SIDE, TRAIN
from job.matrices import FLOAT_LIST
from job.pca import Projection
from job.pca.passes import ProjectionTask, SumTask
from job.pca.stage import fit, project_photos
from job.quality import stage as quality
from job.results import layout, resume
from job.results.progress import Progress
from job.spark import session
from job.spark.tasks import PhotosReport

DIMENSIONS = 1280

DIRECTIONS = 200
"""In which features vary more than by noise."""

PHOTOS_OF_AN_OBJECT = 10

ROWS = 512
"""Photos of a features file, as runs of many photos write them."""

KEPT = 300
"""Components."""


def main(argv: list[str] | None = None) -> int:
    """Draw features and measure the stages; print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.many_features", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=90_000, help="how many (default: %(default)s)")
    parser.add_argument("--labels", type=int, default=131, help="that they have (default: %(default)s)")
    parser.add_argument("--drawn", help=argparse.SUPPRESS)  # the process that is measured: a folder of features
    given = parser.parse_args(argv)
    if given.drawn is not None:
        print(json.dumps(run(given.drawn)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        draw(folder, given.photos, given.labels)
        measured = watched.run([sys.executable, "-m", "bench.many_features", "--drawn", folder])
    megabytes = {name: resident // 10**6 for name, resident in measured.memory.items()}
    print(json.dumps({"photos": given.photos, **json.loads(measured.output), "memory_mb": megabytes}))
    return 0


def draw(output: str, photos: int, labels: int) -> None:
    """Write features files of drawn photos."""
    random = np.random.default_rng(0)
    directions = random.normal(size=(DIRECTIONS, DIMENSIONS)).astype(np.float32)
    centres = 2 * random.normal(size=(labels, DIRECTIONS)).astype(np.float32)
    for number, start in enumerate(range(0, photos, ROWS)):
        photo = np.arange(start, min(start + ROWS, photos))
        objects = photo // PHOTOS_OF_AN_OBJECT
        label = objects % labels
        own = np.random.default_rng(1 + objects[0]).normal(size=(objects[-1] - objects[0] + 1, DIRECTIONS))
        points = centres[label] + own[objects - objects[0]] + 0.3 * random.normal(size=(len(photo), DIRECTIONS))
        noise = 3 * random.normal(size=(len(photo), DIMENSIONS))
        features = np.maximum(points.astype(np.float32) @ directions + noise, 0).astype(np.float32)
        names = [f"{one:04d}" for one in label.tolist()]
        made = pa.table(
            [
                pa.array([f"photos/{name}/{one:07d}.jpg" for name, one in zip(names, photo.tolist(), strict=True)]),
                pa.array(names),
                pa.array(np.where(random.random(len(photo)) < 0.25, TEST, TRAIN).tolist()),
                pa.FixedSizeListArray.from_arrays(features.reshape(-1), DIMENSIONS).cast(FLOAT_LIST),
            ],
            schema=layout.FEATURES_SCHEMA,
        )
        thumbnails = random.integers(0, 256, (len(photo), THUMBNAIL_SIDE**2), np.uint8)
        rows = pa.table(
            {
                "version": ["1"] * len(photo),
                "digest": [f"{one:032x}" for one in photo.tolist()],
                "thumbnail": [base64.b64encode(one.tobytes()).decode() for one in thumbnails],
            }
        )
        layout.write_parquet(output, f"{layout.FEATURES}/part-{number:05d}.parquet", made, resume.stamp({}, rows))


def run(output: str) -> dict[str, float]:
    """Run the stages on features files; return the seconds of each."""
    names = sorted(f"{layout.FEATURES}/{path.name}" for path in Path(output, layout.FEATURES).iterdir())
    listings = [_listing(output, name) for name in names]
    reports = [_report(output, *named) for named in zip(names, listings, strict=True)]
    photos: Counter[str] = Counter()
    for report in reports:
        photos.update({label: count for (split, label), count in report.labels.items() if split == TRAIN})
    labels = tuple(sorted(photos))
    progress = Progress(output, "bench")
    with session.launched(None) as launch, session.opened(launch, (), progress, Path(output)) as context:
        fitted, moments = fit(context, reports, SumTask(output, FEATURES, labels), True, progress)
        projection = Projection(fitted.mean, fitted.scale, fitted.components[:KEPT])
        projected = project_photos(context, reports, projection, ProjectionTask(output, csv=False), progress)
        asked = Training(DISCRIMINANT, FEATURES, photos, len(fitted.mean), 0, pa.concat_tables(listings))
        files = stage.input_files(reports, projected)
        classified = stage.classify(context, output, files, asked, Fitted(moments, fitted, KEPT), progress)
        quality.check(context, output, reports, labels, fitted, classified.predictions.files, progress)
    return {name: round(seconds, 2) for name, seconds in progress.seconds.items()}


def _listing(output: str, name: str) -> pa.Table:
    rows = layout.read_parquet(output, name).select(["path", "label", "split"])
    return rows.append_column("group", pa.nulls(len(rows), pa.string()))


def _report(output: str, name: str, rows: pa.Table) -> PhotosReport:
    splits, labels = rows["split"].to_pylist(), rows["label"].to_pylist()
    file = layout.DataFile(name, len(rows), Path(output, name).stat().st_size)
    return PhotosReport(file, None, Counter(splits), Counter(zip(splits, labels, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
