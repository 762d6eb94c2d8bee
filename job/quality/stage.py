"""Check a run's photos and splits, write what was found, and describe it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import SparkContext

from job.images import TEST, TRAIN, of_split
from job.matrices import matrix
from job.pca import PrincipalComponents
from job.quality import KINDS, duplicates, labelled, leakage, photos, suspects
from job.quality.duplicates import Copies
from job.quality.leakage import Nearest
from job.quality.photos import Photo
from job.results import DataFile, layout
from job.results.progress import Progress
from job.spark.tasks import PhotosReport, written

EXAMPLES = 12
"""Entries of each kind that the report shows, and pairs of test and training photos."""


@dataclass(frozen=True)
class Found:
    """What the stage has found."""

    description: dict[str, Any]  # the manifest's entry "quality"
    photos: list[Photo]  # to check, worst first
    pairs: list[dict[str, Any]]  # test photos with a near-duplicate in training, the most similar first


def check(
    context: SparkContext,
    output: str,
    reports: Sequence[PhotosReport],
    labels: Sequence[str],
    fitted: PrincipalComponents,
    predictions: Sequence[DataFile],
    progress: Progress,
) -> Found:
    """Find leaks, duplicates, suspected labels and outliers.

    Parameters
    ----------
    labels
        Of the used training photos, sorted.
    predictions
        Predictions files; empty without a classifier.
    """
    counted = [(file, used[TRAIN], used[TEST]) for file, used in written(reports)]
    files = [file for file, _, _ in counted]
    with progress.stage("quality"):
        projection = suspects.projection(fitted, labels, sum(file.rows for file in files))
        known = labelled.read(context, output, files, projection)
        copies = duplicates.find(context, known.photos)
        nearest = leakage.find(context, output, counted, len(fitted.mean))
        judged = suspects.judge(known, labels) if projection else None
        to_check = photos.of_copies(known.photos, copies) + ([] if judged is None else photos.of_judged(judged))
        right = {} if nearest is None else right_predictions(output, predictions, labels)
    description = {
        "leakage": None if nearest is None else describe_leakage(nearest, sum(test for _, _, test in counted), right),
        "duplicates": describe_copies(copies),
        "judged": 0 if judged is None else len(judged.paths),
        "photos": count_kinds(to_check),
    }
    return Found(description, photos.worst_first(to_check), [] if nearest is None else worst_pairs(nearest))


def describe_leakage(nearest: Nearest, test: int, right: Mapping[str, bool]) -> dict[str, Any]:
    """Return the manifest's figures on leakage.

    Parameters
    ----------
    test
        Number of test photos.
    right
        Whether each test photo was predicted correctly, by path; empty without a classifier.
    """
    near = nearest.near_duplicates()
    outcomes = np.array([right.get(path, False) for path in nearest.paths], bool)

    def accuracy(of: npt.NDArray[np.bool_]) -> float | None:
        return float(of.mean()) if right and len(of) else None

    return {
        "threshold": leakage.THRESHOLD,
        "test": test,
        "examined": len(near),
        "near_duplicates": int(near.sum()),
        "share": float(near.mean()),
        "accuracy": accuracy(outcomes),
        "accuracy_without": accuracy(outcomes[~near]),
    }


def describe_copies(copies: Copies) -> dict[str, Any]:
    """Return the manifest's figures on the search for duplicates."""
    return {
        "largest_difference": duplicates.LARGEST_DIFFERENCE,
        "thumbnails_compared": copies.compared,
        "unknown": copies.unknown,
    }


def count_kinds(found: Sequence[Photo]) -> dict[str, int]:
    """Return the number of photos to check of each kind, of copies also with two labels and in two splits."""
    kinds, severities = (Counter(getattr(photo, name) for photo in found) for name in ("kind", "severity"))
    return {
        **{kind: kinds[kind] for kind in KINDS},
        "copies_with_two_labels": severities[photos.TWO_LABELS],
        "copies_in_two_splits": severities[photos.TWO_SPLITS],
    }


def right_predictions(output: str, predictions: Sequence[DataFile], labels: Sequence[str]) -> dict[str, bool]:
    """Return whether the most probable label of each test photo is right, by path; also of rejected photos.

    ``labels``: in the order of the probabilities.
    """
    right: dict[str, bool] = {}
    for file in predictions:
        table = layout.read_parquet(output, file.path).select(["path", "label", "split", "probabilities"])
        test = of_split(table, TEST)
        if len(test):
            best = pa.array(labels, pa.string()).take(pa.array(matrix(test["probabilities"]).argmax(axis=1)))
            right.update(zip(test["path"].to_pylist(), pc.equal(test["label"], best).to_pylist(), strict=True))
    return right


def worst_pairs(nearest: Nearest) -> list[dict[str, Any]]:
    """Return the test photos with the most similar training photos, at most ``EXAMPLES``, one of each label first."""
    order = np.argsort(-nearest.cosines.round(photos.DIGITS), kind="stable")
    order = order[nearest.near_duplicates()[order]]
    seen: Counter[str] = Counter()
    rank = {}
    for row in order.tolist():
        rank[row] = seen[nearest.labels[row]]
        seen[nearest.labels[row]] += 1
    return [
        {
            "path": nearest.paths[row],
            "label": nearest.labels[row],
            "score": round(float(nearest.cosines[row]), photos.DIGITS),
            "related_path": nearest.nearest[row],
            "related_label": nearest.nearest_labels[row],
        }
        for row in sorted(order.tolist(), key=rank.__getitem__)[:EXAMPLES]
    ]


def write(output: str, found: Found) -> list[DataFile]:
    """Write the list of photos to check, and what the report shows of it; return the files."""
    table = photos.table(found.photos)
    files = [
        layout.write_parquet(output, layout.QUALITY_PHOTOS, table),
        layout.write_csv(output, layout.QUALITY_TABLE, table),
    ]
    shown = [photo for kind in KINDS for photo in [one for one in found.photos if one.kind == kind][:EXAMPLES]]
    content = layout.to_json(
        {
            "schema_version": layout.SCHEMA_VERSION,
            **found.description,
            "examples": [asdict(photo) for photo in photos.worst_first(shown)],
            "pairs": found.pairs,
        }
    )
    return [*files, layout.write_file(output, layout.QUALITY, len(shown), content)]
