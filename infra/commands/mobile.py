"""``orchard results --mobile``: build the phone model of a run, and measure it on the run's test photos."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infra.aws import Aws, explained, read_if_there
from infra.context import Context
from infra.errors import NotWritableError, RunFilesError
from infra.runs import RunFiles
from job import storage
from job.classifiers import UNKNOWN, Classifier, Distance, with_unknown
from job.features.network import FLOAT16, NO_TRANSFORM, Backbone, seconds_a_photo
from job.images import RejectedPhotoError, read_ahead
from job.matrices import matrix
from job.mobile import PhotoClassifier, mobile_model, parse_description, with_float16_weights
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
    unknown
        The model rejects them; they count as wrong.
    """

    photos: int = 0
    agree: int = 0
    right: int = 0
    run_right: int = 0
    unknown: int = 0


def make_mobile(
    context: Context,
    run: RunFiles,
    backbone: bytes,
    destination: Path,
    stored_as: str | None,
    reject_below: float | None,
) -> None:
    """Write the phone model of a run, and print its size, speed and accuracy.

    ``reject_below``: least probability of a label; None if no photo may be unknown.
    """
    full = run_model(run, backbone, reject_below)
    chosen = with_float16_weights(full) if stored_as == FLOAT16 else full
    _write(chosen, destination)
    context.say(describe(chosen, destination))
    photos = photos_to_measure(run, reject_below)
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


def run_classifier(run: RunFiles, reject_below: float | None) -> Classifier:
    """Return the classifier of a run, with its distance if photos are rejected."""
    description, numbers = run.read_if_there(layout.MODEL), run.read_if_there(layout.MODEL_NUMBERS)
    if description is None or numbers is None:
        raise RunFilesError(
            f"A phone model needs a classifier, and '{run.where}' has none.",
            "Rerun its command with --resume --classifier logistic.",
        )
    classifier = Classifier.from_files(description, numbers)
    if reject_below is None:
        return classifier
    content = run.read_if_there(layout.DISTANCE)
    if content is None:
        raise RunFilesError(
            f"--reject-below needs {layout.DISTANCE}, and '{run.where}' has none: an earlier version wrote it.",
            "Leave it out, or repeat the run with --overwrite.",
        )
    return replace(classifier, distance=Distance.from_file(content))


def run_model(run: RunFiles, backbone: bytes, reject_below: float | None = None) -> bytes:
    """Return the phone model of a run, with the run's own weights."""
    classifier = run_classifier(run, reject_below)
    projection = Projection.from_file(run.read(layout.PROJECTION))
    network = run.manifest["backbone"]
    views, transform = network.get("views", 1), network.get("transform", NO_TRANSFORM)
    return mobile_model(backbone, projection, classifier, views, transform, reject_below)


def describe(model: bytes, file: Path) -> str:
    """Return a line on the size, speed on one core of this machine, and contents of a model."""
    described = parse_description(model)
    assert described is not None  # noqa: S101 - built by this command
    milliseconds = 1000 * seconds_a_photo(Backbone(file))
    inputs = f"{described.components} components" if described.components else "features"
    labels = f"{len(described.labels)} labels"
    if described.reject_below is not None:
        labels = f"{len(described.labels) - 1} labels or unknown"
    return (
        f"{file}: {len(model) / 1e6:.1f} MB, {milliseconds:.1f} ms a photo on one core here; photos "
        f"of {described.width} x {described.height} pixels to {labels}; {described.backbone}, "
        f"{described.classifier} on {inputs}, weights stored as {described.stored_as}."
    )


def photos_to_measure(run: RunFiles, reject_below: float | None = None) -> list[PhotoToMeasure]:
    """Return the run's test photos sorted by path; evenly spaced ones if there are more than ``MOST_PHOTOS``.

    Those that are unknown with ``reject_below`` are predicted as unknown, also if the run did not reject them.
    """
    # With --wanted-precision, the run chose it.
    rejected = ((run.manifest.get("classifier") or {}).get("unknown") or {}).get("reject_below")
    as_run = reject_below == rejected
    classifier = None if as_run else run_classifier(run, reject_below)
    rows: list[PhotoToMeasure] = []
    for path in listed_files(run.manifest):
        if not path.startswith(f"{layout.PREDICTIONS}/"):
            continue
        columns = ["path", "label", "split", "predicted"]
        table = pq.read_table(io.BytesIO(run.read(path)), columns=columns if as_run else None)
        if classifier is not None:
            table = _predicted_again(table, classifier, reject_below)
        tested = [row for row in table.to_pylist() if row["split"] == "test"]
        rows += [PhotoToMeasure(row["path"], row["label"], row["predicted"]) for row in tested]
    rows.sort(key=lambda row: row.path)
    return rows[:: -(-len(rows) // MOST_PHOTOS)] if rows else []


def _predicted_again(predictions: pa.Table, classifier: Classifier, reject_below: float | None) -> pa.Table:
    """Return predictions as a run with this ``reject_below`` has them."""
    best = pa.array(classifier.labels, pa.string()).take(pa.array(matrix(predictions["probabilities"]).argmax(axis=1)))
    place = predictions.schema.get_field_index("predicted")
    predictions = predictions.set_column(place, "predicted", best)
    if reject_below is None or classifier.distance is None:
        return predictions
    return with_unknown(predictions, reject_below, classifier.distance.limit)


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
        measured.unknown += label == UNKNOWN and classifier.description.reject_below is not None
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
    unknown = f"; {measured.unknown:,} are unknown" if measured.unknown else ""
    return (
        f"{warned}{subject} gives the run's own label on {measured.agree:,} of {count:,} test photos{left_out}: "
        f"accuracy {measured.right / count:.2%}, the run's {measured.run_right / count:.2%}{unknown}."
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
