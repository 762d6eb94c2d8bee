"""Read from a results folder what the report shows, and no more than it shows."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.classifiers import UNKNOWN
from job.images import TEST, of_split
from job.matrices import matrix
from job.report import checked, objects, predicted
from job.report.checked import Checked
from job.report.objects import ObjectsFound
from job.report.photo_sample import PhotoSample, draw
from job.report.predicted import Predicted
from job.results import layout

MISTAKES_SHOWN = 24
REJECTED_SHOWN = 100


@dataclass(frozen=True)
class Rejected:
    """Photos that were rejected."""

    total: int
    reasons: list[tuple[str, int]]  # every reason with its number of photos, the most frequent first
    examples: list[tuple[str, str]]  # path and reason of the first ``REJECTED_SHOWN``


@dataclass(frozen=True)
class Mistake:
    """A test photo that was classified as something else, and how sure the classifier was of it (0 to 1)."""

    path: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Evaluation:
    """How well the classifier did on test photos."""

    metrics: dict[str, Any]  # the content of ``classifier/metrics.json``
    labels: list[str]  # the training labels: columns of the confusion matrix
    true_labels: list[str]  # its rows: the training labels, then those that only test photos have
    confusion: npt.NDArray[np.int64]  # counts of shape (true labels, labels)
    # the most confident ones, at most ``MISTAKES_SHOWN``; of equally confident ones, of as many labels as possible
    mistakes: list[Mistake]
    # test photos by how many labels were more probable than their own; photos of unseen labels have the most
    ranks: Counter[int] = field(default_factory=Counter)
    # predicted label of the test photos in the sample, by path
    taken: dict[str, str] = field(default_factory=dict)

    @property
    def photos(self) -> int:
        """How many test photos there are."""
        return int(self.confusion.sum())

    @property
    def wrong(self) -> int:
        """How many test photos were classified wrongly."""
        return self.photos - int(np.trace(self.confusion))

    def confusions(self) -> list[tuple[str, str, int, int]]:
        """Return true label, predicted label, photos, and all photos of the true label; the most photos first."""
        counts = self.confusion.copy()
        np.fill_diagonal(counts, 0)
        photos = self.confusion.sum(axis=1)
        pairs = sorted(zip(*np.nonzero(counts), strict=True), key=lambda pair: (-counts[pair], pair))
        return [
            (self.true_labels[row], self.labels[column], int(counts[row, column]), int(photos[row]))
            for row, column in pairs
        ]


@dataclass(frozen=True)
class Findings:
    """What the report shows of a run or a prediction."""

    manifest: dict[str, Any]
    # float64: share of the variance that the first 1, 2, ... components keep; None of a prediction, which fits none
    cumulative: npt.NDArray[np.float64] | None
    photos: PhotoSample  # with the labels of a run, or those that a prediction gave
    predicted: Predicted | None  # None if no photo without a label was classified
    rejected: Rejected
    evaluation: Evaluation | None  # None if the run had no classifier, or nothing to evaluate it on
    # folds, compared: these entries of ``classifier/metrics.json``
    folds: dict[str, Any] | None
    compared: list[dict[str, Any]] | None
    checked: Checked | None  # what was found about the photos themselves
    objects: ObjectsFound | None = None  # of a prediction with --multiple


def read(output: str, manifest: dict[str, Any]) -> Findings:
    """Return what the report shows of the run or prediction in a results folder."""
    files = manifest["files"]
    listed = layout.listed_files(manifest)
    fits = layout.EXPLAINED_VARIANCE in listed
    labels = manifest["labels"]
    label_counts = Counter({label: 0 for split in labels.values() for label in split})
    for split in labels.values():
        label_counts.update(split)
    metrics = layout.read_json(output, layout.METRICS) if layout.METRICS in listed else None
    without_label = manifest["counts"]["used"] - label_counts.total()
    photos = draw(
        output,
        [entry["path"] for entry in files[layout.COMPONENTS]],
        [*label_counts.values(), without_label],
        sum(entry["rows"] for entry in files[layout.COMPONENTS]),
    )
    labels_given = predicted.read(output, listed, photos.paths)
    if labels_given is not None and not fits:
        photos = replace(photos, labels=[labels_given.of.get(path) for path in photos.paths])
    return Findings(
        manifest,
        _cumulative(output) if fits else None,
        photos,
        labels_given,
        _rejected(output, [entry["path"] for entry in files[layout.REJECTED]]),
        _evaluation(output, listed, metrics, photos.paths),
        None if metrics is None else metrics.get("folds"),
        None if metrics is None else metrics.get("compared"),
        checked.read(output, listed),
        objects.read(output, listed, manifest.get("objects", {}).get("labels", {})),
    )


def _cumulative(output: str) -> npt.NDArray[np.float64]:
    rows = _read_csv(output, layout.EXPLAINED_VARIANCE)
    column = next(rows).index("cumulative")
    return np.array([float(row[column]) for row in rows])


def _rejected(output: str, files: Sequence[str]) -> Rejected:
    reasons: Counter[str] = Counter()
    examples: list[tuple[str, str]] = []
    for file in files:
        table = layout.read_parquet(output, file)
        reasons.update(table["reason"].to_pylist())
        first = table.slice(0, REJECTED_SHOWN - len(examples)).to_pylist()
        examples += [(row["path"], row["reason"]) for row in first]
    return Rejected(reasons.total(), reasons.most_common(), examples)


def _evaluation(
    output: str, listed: Sequence[str], metrics: dict[str, Any] | None, shown: Sequence[str]
) -> Evaluation | None:
    if metrics is None or layout.CONFUSION_MATRIX not in listed:
        return None
    rows = _read_csv(output, layout.CONFUSION_MATRIX)
    _, *labels = next(rows)
    body = list(rows)
    predictions = [path for path in listed if path.startswith(f"{layout.PREDICTIONS}/")]
    return Evaluation(
        metrics,
        labels,
        [row[0] for row in body],
        np.array([row[1:] for row in body], np.int64).reshape(len(body), len(labels)),
        read_mistakes(output, predictions),
        *read_tested(output, predictions, labels, shown),
    )


def read_tested(
    output: str, files: Sequence[str], labels: Sequence[str], shown: Sequence[str]
) -> tuple[Counter[int], dict[str, str]]:
    """Return the test photos by how many labels were more probable than their own, and some predicted labels by path.

    ``labels``: sorted; ``shown``: paths whose predicted labels are wanted.
    """
    ranks: Counter[int] = Counter()
    taken: dict[str, str] = {}
    wanted = pa.array(shown, pa.string())
    for file in files:
        test = of_split(layout.read_parquet(output, file), TEST)
        probabilities = matrix(test["probabilities"])
        places = pc.fill_null(pc.index_in(test["label"], value_set=pa.array(labels, pa.string())), -1).to_numpy()
        known = np.flatnonzero(places >= 0)
        own = probabilities[known, places[known]]
        ranks.update((probabilities[known] > own[:, np.newaxis]).sum(axis=1).tolist())
        ranks[len(labels)] += len(test) - len(known)
        seen = test.filter(pc.is_in(test["path"], value_set=wanted))
        taken |= zip(seen["path"].to_pylist(), seen["predicted"].to_pylist(), strict=True)
    return ranks, taken


def read_mistakes(output: str, files: Sequence[str]) -> list[Mistake]:
    """Return the wrong predictions of test photos that the classifier was surest of; unknown is not wrong."""
    worst: list[tuple[float, int, Mistake]] = []
    # A tree is equally sure of many mistakes: the first of each label comes before the second of any.
    seen: Counter[tuple[str, float]] = Counter()
    for file in files:
        columns = ["path", "label", "split", "predicted", "probability"]
        table = layout.read_parquet(output, file).select(columns).to_pydict()
        wrong = (
            Mistake(path, label, predicted, float(probability))
            for path, label, split, predicted, probability in zip(*table.values(), strict=True)
            if split == TEST and predicted not in (label, UNKNOWN)
        )
        for mistake in wrong:
            alike = (mistake.label, mistake.probability)
            worst.append((mistake.probability, -seen[alike], mistake))
            seen[alike] += 1
        worst = nlargest(MISTAKES_SHOWN, worst, key=lambda entry: entry[:2])
    return [mistake for _, _, mistake in worst]


def _read_csv(output: str, name: str) -> Iterator[list[str]]:
    content = storage.read_bytes(storage.join(output, name)).decode()
    return csv.reader(io.StringIO(content, newline=""))
