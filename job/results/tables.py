"""Write the part files of a run as single CSV files too, for spreadsheets and other readers without Parquet."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.images import PREDICT, of_split
from job.matrices import matrix
from job.results import layout
from job.results.layout import DataFile

LARGEST_CSV = 256 * 2**20
"""Bytes of all parts of the components above which they are not joined: no spreadsheet opens more."""

FILES_AT_A_TIME = 8
"""Part files that are read at the same time."""


@dataclass(frozen=True)
class Reason:
    """A reason for which photos were rejected, how many, and the path of the first."""

    reason: str
    photos: int
    example: str


@dataclass(frozen=True)
class Tables:
    """The files that were written, and what the manifest says of their rows.

    Parameters
    ----------
    predicted
        How many photos to predict have each predicted label, most frequent first.
    reasons
        Why photos were rejected, most frequent first.
    """

    files: Sequence[DataFile]
    predicted: Mapping[str, int]
    reasons: Sequence[Reason]

    def as_manifest(self) -> dict[str, Any]:
        """Return the manifest's entries "predicted" and "reasons"."""
        return {"predicted": self.predicted, "reasons": [asdict(reason) for reason in self.reasons]}


def write_tables(
    output: str,
    rejected: Sequence[DataFile],
    components: Sequence[DataFile],
    predictions: Sequence[DataFile],
    labels: Sequence[str],
) -> Tables:
    """Write ``rejected.csv``, ``predictions.csv`` and ``pca/components.csv``, each only if it has rows.

    Rows keep the order of the listing.

    Parameters
    ----------
    rejected, predictions
        Parquet files.
    components
        CSV files.
    labels
        Of the classifier, in the order of the probabilities.
    """
    files: list[DataFile] = []
    reasons: list[Reason] = []
    if rejected:
        photos = pa.concat_tables(_read(output, rejected))
        files.append(layout.write_csv(output, layout.REJECTED_TABLE, photos))
        reasons = count_reasons(photos)
    if components and sum(file.bytes for file in components) <= LARGEST_CSV:
        files.append(_join(output, components))
    if not predictions:
        return Tables(files, {}, reasons)
    rows = pa.concat_tables(readable_predictions(table, labels) for table in _read(output, predictions))
    files.append(layout.write_csv(output, layout.PREDICTIONS_TABLE, rows))
    predicted = Counter(of_split(rows, PREDICT)["predicted"].to_pylist())
    return Tables(files, dict(sorted(predicted.items(), key=lambda entry: (-entry[1], entry[0]))), reasons)


def count_reasons(rejected: pa.Table) -> list[Reason]:
    """Return the reasons of rejected photos, most frequent first; those that differ only in numbers are one."""
    first: dict[str, tuple[str, str]] = {}
    photos = Counter[str]()
    for path, reason in zip(rejected["path"].to_pylist(), rejected["reason"].to_pylist(), strict=True):
        kind = re.sub(r"\d[\d,.]*", "0", reason)
        first.setdefault(kind, (path, reason))
        photos[kind] += 1
    return [Reason(first[kind][1], number, first[kind][0]) for kind, number in photos.most_common()]


def readable_predictions(predictions: pa.Table, labels: Sequence[str]) -> pa.Table:
    """Return rows of a predictions file with the second best label in place of all probabilities.

    After "unknown", the second best label is the most probable one.
    """
    others = matrix(predictions["probabilities"]).copy()
    rows, names = np.arange(len(others)), pa.array(labels, pa.string())
    best = others.argmax(axis=1)
    given = pc.equal(names.take(pa.array(best)), predictions["predicted"]).to_numpy()
    others[rows[given], best[given]] = -1
    second = others.argmax(axis=1)
    table = predictions.drop_columns(["probabilities"])
    table = table.append_column("second", names.take(pa.array(second)))
    return table.append_column("second_probability", pa.array(others[rows, second]))


def _read(output: str, files: Iterable[DataFile]) -> Iterator[pa.Table]:
    with ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        yield from pool.map(partial(layout.read_parquet, output), [file.path for file in files])


def _join(output: str, parts: Sequence[DataFile]) -> DataFile:
    """Write CSV files with the same header as one."""
    with ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        contents = list(pool.map(lambda part: storage.read_bytes(storage.join(output, part.path)), parts))
    header = contents[0].split(b"\n", 1)[0] + b"\n"
    joined = header + b"".join(content.removeprefix(header) for content in contents)
    return layout.write_file(output, layout.COMPONENTS_TABLE, sum(part.rows for part in parts), joined)
