"""The layout of a results folder: names of its files, how they are written, and the manifest that makes them count.

A data file is immutable and carries the id of its run; it counts once ``manifest.json``, which is written last and in
one piece, lists it. A folder without a manifest is an unfinished run.
"""

import importlib.metadata
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from job import storage
from job.errors import OutputRefusedError, ResultsUnusableError, another_output, unreachable
from job.matrices import FLOAT_LIST

SCHEMA_VERSION = 2
"""Version of all JSON files of the results; raised when a reader of the old one would misread the new one."""

MANIFEST = "manifest.json"
PROGRESS = "progress.json"
FEATURES = "features"
COMPONENTS = "components"
COMPONENTS_CSV = "components.csv"
REJECTED = "rejected"
DESCRIPTORS = "descriptors"
BOXES = "boxes"
BACKBONE = "backbone"
REJECTED_TABLE = "rejected.csv"
COMPONENTS_TABLE = "pca/components.csv"
PREDICTIONS_TABLE = "predictions.csv"
EXPLAINED_VARIANCE = "pca/explained_variance.csv"
PROJECTION = "pca/projection.npz"
REPORT = "report.html"
PREDICTIONS = "classifier/predictions"
METRICS = "classifier/metrics.json"
CONFUSION_MATRIX = "classifier/confusion_matrix.csv"
MODEL = "classifier/model.json"
MODEL_NUMBERS = "classifier/model.npz"
DISTANCE = "classifier/distance.npz"

QUALITY = "quality/quality.json"
QUALITY_PHOTOS = "quality/photos.parquet"
QUALITY_TABLE = "quality/photos.csv"

OBJECTS = "objects/objects.parquet"
OBJECTS_TABLE = "objects/objects.csv"

WORDS = "vocabulary/words.npz"
WORDS_DESCRIPTION = "vocabulary/vocabulary.json"

WRITTEN_ONCE = (
    *(EXPLAINED_VARIANCE, PROJECTION, METRICS, CONFUSION_MATRIX, MODEL, MODEL_NUMBERS, DISTANCE),
    *(WORDS, WORDS_DESCRIPTION, REJECTED_TABLE, COMPONENTS_TABLE, PREDICTIONS_TABLE),
    *(QUALITY, QUALITY_PHOTOS, QUALITY_TABLE, OBJECTS, OBJECTS_TABLE),
)
"""Files without a run's id in their name: written once an earlier run's manifest is removed."""

LAYOUT = (
    *(MANIFEST, PROGRESS, FEATURES, COMPONENTS, COMPONENTS_CSV, "pca", REJECTED),
    *("classifier", REPORT, DESCRIPTORS, BACKBONE, "vocabulary", "quality", REJECTED_TABLE, PREDICTIONS_TABLE),
    *(BOXES, "objects"),
)
"""Files and folders at the top of a results folder."""

FEATURES_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("features", FLOAT_LIST),
    ]
)
COMPONENTS_SCHEMA = pa.schema([*list(FEATURES_SCHEMA)[:3], pa.field("components", FLOAT_LIST)])
DESCRIPTORS_SCHEMA = pa.schema([*list(FEATURES_SCHEMA)[:3], pa.field("descriptors", pa.binary(), nullable=False)])
"""While a run learns its visual words: all descriptors of a photo in one value, concatenated."""
PREDICTIONS_SCHEMA = pa.schema(
    [
        *list(FEATURES_SCHEMA)[:3],
        pa.field("predicted", pa.string()),
        pa.field("probability", pa.float32()),
        pa.field("probabilities", FLOAT_LIST),
        pa.field("distance", pa.float32()),
    ]
)
BOX_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.int32()) for name in ("left", "top", "width", "height")),
        pa.field("label", pa.string()),
        pa.field("probability", pa.float32()),
        *(pa.field(name, pa.int32()) for name in ("photo_width", "photo_height")),
    ]
)
"""An object: its box in pixels of the upright photo, its label, and the size of the photo."""
BOXES_SCHEMA = pa.schema([*list(FEATURES_SCHEMA)[:3], pa.field(BOXES, pa.list_(pa.struct(list(BOX_SCHEMA))))])
OBJECTS_SCHEMA = pa.schema([pa.field("path", pa.string()), *BOX_SCHEMA])
REJECTED_SCHEMA = pa.schema([pa.field("path", pa.string()), pa.field("reason", pa.string())])


@dataclass(frozen=True)
class DataFile:
    """A data file of a run, as the manifest lists it."""

    path: str
    rows: int
    bytes: int


def utc_now(clock: Callable[[], float] = time.time) -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock()))


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time and that no other run has: UTC time and 32 random bits."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def data_file_name(folder: str, run_id: str, partition: int, attempt: int, ending: str) -> str:
    """Return where a task writes its part of a data set.

    The attempt is in the name, so that a retried or speculative task never touches what another one wrote: the driver
    lists the files of the attempts that Spark took, and the others do not count.
    """
    return f"{folder}/part-{partition:05d}-{run_id}-{attempt}.{ending}"


def derived_file_name(folder: str, source: str, ending: str = "parquet") -> str:
    """Return where a task writes what it makes of another task's file, at the path ``source``."""
    return f"{folder}/{PurePosixPath(source).stem}-{attempt()}.{ending}"


def attempt() -> int:
    """Return the number of the running task's attempt, unique in the run; 0 outside a task."""
    from pyspark import TaskContext  # noqa: PLC0415 - what reads results needs no Spark

    context = TaskContext.get()
    return context.taskAttemptId() if context is not None else 0


def write_file(output: str, name: str, rows: int, content: bytes | pa.Buffer) -> DataFile:
    """Write a file of the results in one piece; ``rows``: what the manifest says of it."""
    storage.write_bytes(storage.join(output, name), content)
    return DataFile(name, rows, len(content))


def write_parquet(output: str, name: str, table: pa.Table, footer: Mapping[str, str] = {}) -> DataFile:
    """Write a table as one Parquet file in one piece.

    ``footer``: entries of the file's metadata, in addition to its schema.
    """
    sink = pa.BufferOutputStream()
    # Floats hardly repeat, so a dictionary would only cost time; Zstandard's first level is nearly free.
    repeated = ["label", "split", "predicted"]
    with pq.ParquetWriter(sink, table.schema, compression="zstd", compression_level=1, use_dictionary=repeated) as file:
        file.write_table(table)
        file.add_key_value_metadata(dict(footer))
    return write_file(output, name, table.num_rows, sink.getvalue())


def write_csv(output: str, name: str, table: pa.Table) -> DataFile:
    """Write a table as one CSV file with a header, in one piece."""
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink)
    return write_file(output, name, table.num_rows, sink.getvalue())


def read_parquet(output: str, name: str) -> pa.Table:
    """Return a Parquet file of a results folder as a table."""
    return read_with_footer(output, name)[0]


def read_with_footer(output: str, name: str) -> tuple[pa.Table, dict[str, str]]:
    """Return a Parquet file of a results folder as a table, and its metadata."""
    content = storage.read_bytes(storage.join(output, name))
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        footer = file.metadata.metadata or {}
        return file.read(), {name.decode(): value.decode() for name, value in footer.items()}


def require_no_results(output: str) -> None:
    """Raise OutputRefusedError if the folder contains any file of the layout."""
    found = storage.exists_any(output, LAYOUT)
    if not found:
        return
    finished = MANIFEST in found
    kind = "the results of a finished run" if finished else "files of an unfinished run"
    raise OutputRefusedError(
        f"The output must be empty, got '{output}' with {kind}: {', '.join(found)}.",
        f"Add --resume to continue it or --overwrite to replace it, or choose {another_output()}.",
    )


def write_manifest(output: str, manifest: dict[str, Any]) -> None:
    """Write the manifest: from now on the run's files count."""
    storage.write_bytes(storage.join(output, MANIFEST), to_json(manifest))


def read_manifest(output: str) -> dict[str, Any]:
    """Return the manifest of a results folder."""
    uri = storage.join(output, MANIFEST)
    try:
        manifest = json.loads(storage.read_bytes(uri))
    except FileNotFoundError:
        raise _unfinished(output) from None
    except ValueError:
        manifest = None
    except OSError as error:
        raise unreachable(f"Cannot read '{uri}'", error) from error
    if not isinstance(manifest, dict):
        raise ResultsUnusableError(
            f"'{uri}' is damaged.", "Copy the results again, or repeat the run with --overwrite."
        )
    require_version(manifest, uri)
    return manifest


def read_json(output: str, name: str) -> dict[str, Any]:
    """Return the content of another JSON file of the results; raise OSError if it cannot be read."""
    uri = storage.join(output, name)
    content: dict[str, Any] = json.loads(storage.read_bytes(uri))
    require_version(content, uri)
    return content


def _unfinished(output: str) -> ResultsUnusableError:
    """Return the error for a folder without a manifest."""
    if not storage.folder_exists(output):
        near = storage.nearest_folder(output)
        return ResultsUnusableError(f"There is no folder '{output}'.", f"{near}Name the results of a finished run.")
    if storage.exists_any(output, [PROGRESS]):
        return ResultsUnusableError(
            f"The run in '{output}' has not finished: there is no {MANIFEST}.",
            "Wait until it has ended; if it was stopped, add --resume to its command.",
        )
    return ResultsUnusableError(
        f"'{output}' must be a folder of results, got one without {MANIFEST}.", "Name the results of a finished run."
    )


def require_version(content: Mapping[str, Any], uri: str) -> None:
    """Raise ResultsUnusableError if a JSON file of the results has another ``schema_version``."""
    found = content.get("schema_version")
    if found != SCHEMA_VERSION:
        raise ResultsUnusableError(
            f"The schema_version of '{uri}' must be {SCHEMA_VERSION}, got {found}.",
            "Repeat the run with --overwrite, or use the version of Orchard that wrote the results.",
        )


def sweep(output: str, listed: Iterable[str], run_id: str) -> None:
    """Delete the files that do not count: of earlier runs, and of attempts that Spark gave up.

    It deletes only files that a run has written, by their names; none if another run has written its manifest in the
    meantime; and none of a run that began later, which may be in progress.
    """
    if read_manifest(output)["run_id"] != run_id:
        return
    keep = set(listed)
    for file in storage.list_files(output):
        is_ours = file.inside in WRITTEN_ONCE or is_data_file(file.inside)
        if is_ours and _began(run_of(file.inside)) <= _began(run_id) and file.inside not in keep:
            storage.delete(storage.join(output, file.inside))
    _remove_empty_folders(output)


def is_data_file(name: str) -> bool:
    """Return whether a file of a results folder is one that a task of some run has written."""
    return _DATA_FILE.fullmatch(name) is not None


def run_of(name: str) -> str:
    """Return the id of the run that has written a data file; empty for any other file."""
    match = _DATA_FILE.fullmatch(name)
    return match["run"] if match else ""


def _began(run_id: str) -> str:
    """Return the second in which a run began. Of two that began in the same one, the lease allows one."""
    return run_id.partition("-")[0]


def has_data(output: str, run_id: str) -> bool:
    """Return whether any data file of a run exists."""
    return any(run_of(file.inside) == run_id for file in storage.list_files(output))


def discard(output: str, run_id: str) -> None:
    """Delete the files of a run that was refused; an earlier run's results stay."""
    if not storage.exists_any(output, LAYOUT):
        return
    finished = bool(storage.exists_any(output, [MANIFEST]))
    for file in storage.list_files(output):
        if run_of(file.inside) == run_id or (file.inside == PROGRESS and not finished):
            storage.delete(storage.join(output, file.inside))
    _remove_empty_folders(output)


def to_json(content: dict[str, Any]) -> bytes:
    """Return indented JSON with a newline at its end."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


_DATA_FILE = re.compile(
    r"(?:backbone|boxes|descriptors|features|components|components\.csv|rejected|classifier/predictions)/"
    r"part-\d{5}-(?P<run>\d{8}T\d{6}-[0-9a-f]{8})-[\d-]+\.(?:parquet|csv|tflite)"
)
"""The name of a file that a task of some run has written."""


def _remove_empty_folders(output: str) -> None:
    for name in (PREDICTIONS, *LAYOUT):
        storage.remove_empty_folder(storage.join(output, name))


def installed_version(library: str) -> str | None:
    """Return the version of a library; None if it is not installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def listed_files(manifest: dict[str, Any]) -> list[str]:
    """Return the path of every file that counts, by the manifest."""
    return [entry["path"] for entries in manifest["files"].values() for entry in entries]
