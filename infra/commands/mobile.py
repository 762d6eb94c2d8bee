"""``orchard results --mobile``: build the phone model of a run, and measure it on the run's test photos."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from infra.aws import Aws, explained, read_if_there
from infra.context import Context
from infra.errors import NotWritableError, RunFilesError
from infra.runs import RunFiles
from job import storage
from job.classifiers import Classifier
from job.features.network import NO_TRANSFORM, Backbone, seconds_a_photo
from job.images import RejectedPhotoError, read_ahead
from job.mobile import FLOAT16, PhotoClassifier, mobile_model, parse_description, with_float16_weights
from job.pca import Projection
from job.results import layout, listed_files
from job.storage import split_s3

MOST_PHOTOS = 1000
"""Most test photos to measure on: accuracy within a percent or two in less than a minute."""

MOST_LOST = 0.01
"""Share of the test photos that a model may classify worse than the run, without a warning."""


@dataclass(frozen=True)
class PhotoToMeasure:
    """A test photo of the run: its URI, its label and the label that the run predicted."""

    path: str
    label: str
    predicted: str


@dataclass
class Measured:
    """Counts of test photos.

    Parameters
    ----------
    photos
        Read and classified.
    agree, right
        The model's label is the run's, and the true one.
    run_right
        The run's label is the true one.
    """

    photos: int = 0
    agree: int = 0
    right: int = 0
    run_right: int = 0


def make_mobile(context: Context, run: RunFiles, backbone: bytes, destination: Path, stored_as: str | None) -> None:
    """Write the phone model of a run, and print its size, speed and accuracy."""
    full = run_model(run, backbone)
    chosen = with_float16_weights(full) if stored_as == FLOAT16 else full
    _write(chosen, destination)
    context.say(describe(chosen, destination))
    photos = photos_to_measure(run)
    if not photos:
        context.say("Accuracy not measured: the run has no test photos. Run with --test or --holdout.")
        return
    context.say(_accuracy(measure(lambda: context.aws, destination, photos), len(photos), "It"))
    if stored_as == FLOAT16:
        unquantized = destination.with_name(f".{destination.name}.full")
        try:
            _write(full, unquantized)
            context.say(_accuracy(measure(lambda: context.aws, unquantized, photos), len(photos), "Not quantized, it"))
        finally:
            unquantized.unlink(missing_ok=True)


def run_model(run: RunFiles, backbone: bytes) -> bytes:
    """Return the phone model of a run, with the run's own weights."""
    description, numbers = run.read_if_there(layout.MODEL), run.read_if_there(layout.MODEL_NUMBERS)
    if description is None or numbers is None:
        raise RunFilesError(
            f"A phone model needs a classifier, and '{run.where}' has none.",
            "Rerun its command with --resume --classifier logistic.",
        )
    with np.load(io.BytesIO(run.read(layout.PROJECTION)), allow_pickle=False) as archive:
        projection = Projection(archive["mean"], archive["scale"], archive["components"])
    classifier, network = Classifier.from_files(description, numbers), run.manifest["backbone"]
    views, transform = network.get("views", 1), network.get("transform", NO_TRANSFORM)
    return mobile_model(backbone, projection, classifier, views, transform)


def describe(model: bytes, file: Path) -> str:
    """Return a line on the size, speed on one core of this machine, and contents of a model."""
    described = parse_description(model)
    assert described is not None  # noqa: S101 - built by this command
    milliseconds = 1000 * seconds_a_photo(Backbone(file))
    inputs = f"{described.components} components" if described.components else "features"
    return (
        f"{file}: {len(model) / 1e6:.1f} MB, {milliseconds:.1f} ms a photo on one core here; photos "
        f"of {described.width} x {described.height} pixels to {len(described.labels)} labels; {described.backbone}, "
        f"{described.classifier} on {inputs}, weights stored as {described.stored_as}."
    )


def photos_to_measure(run: RunFiles) -> list[PhotoToMeasure]:
    """Return the run's test photos sorted by path; evenly spaced ones if there are more than ``MOST_PHOTOS``."""
    rows: list[PhotoToMeasure] = []
    for path in listed_files(run.manifest):
        if not path.startswith(f"{layout.PREDICTIONS}/"):
            continue
        table = pq.read_table(io.BytesIO(run.read(path)), columns=["path", "label", "split", "predicted"])
        tested = [row for row in table.to_pylist() if row["split"] == "test"]
        rows += [PhotoToMeasure(row["path"], row["label"], row["predicted"]) for row in tested]
    rows.sort(key=lambda row: row.path)
    return rows[:: -(-len(rows) // MOST_PHOTOS)] if rows else []


def measure(connect: Callable[[], Aws], file: Path, photos: Sequence[PhotoToMeasure]) -> Measured:
    """Classify test photos with a model; skip those that were removed or cannot be decoded."""
    classifier, measured = PhotoClassifier(file), Measured()
    for photo, content in zip(photos, _contents(connect, photos), strict=True):
        try:
            if isinstance(content, RejectedPhotoError):
                raise content
            label, _ = classifier.classify(content)
        except RejectedPhotoError:
            continue
        measured.photos += 1
        measured.agree += label == photo.predicted
        measured.right += label == photo.label
        measured.run_right += photo.predicted == photo.label
    return measured


def _contents(connect: Callable[[], Aws], photos: Sequence[PhotoToMeasure]) -> Iterator[bytes | RejectedPhotoError]:
    # Local photos need no AWS account.
    aws = connect() if any(photo.path.startswith("s3://") for photo in photos) else None

    def read(uri: str) -> bytes:
        bucket, key = split_s3(uri)
        if aws is None or not bucket:
            return storage.read_bytes(uri)
        content = read_if_there(aws, bucket, key)
        if content is None:
            raise FileNotFoundError(uri)
        return content

    with explained("read the run's test photos"):
        yield from read_ahead([photo.path for photo in photos], read)


def _accuracy(measured: Measured, asked: int, subject: str) -> str:
    if not measured.photos:
        return f"Accuracy not measured: none of the run's {asked:,} test photos can be read from this machine."
    count = measured.photos
    left_out = f" ({asked - count:,} more could not be read)" if asked > count else ""
    # More than the photos that differ by chance, where all agree by design.
    warned = "Warning: " if measured.run_right - measured.right > MOST_LOST * count else ""
    return (
        f"{warned}{subject} gives the run's own label on {measured.agree:,} of {count:,} test photos{left_out}: "
        f"accuracy {measured.right / count:.2%}, the run's {measured.run_right / count:.2%}."
    )


def _write(content: bytes, destination: Path) -> None:
    part = destination.with_name(f".{destination.name}.part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(destination)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NotWritableError(
            f"Cannot write '{destination}': {error.strerror}.", "Choose another --mobile FILE."
        ) from error
