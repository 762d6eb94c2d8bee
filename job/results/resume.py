"""Reuse the rows that an earlier run has computed, so that this run computes only the others.

A data file is complete as soon as it has its name. It needs no manifest to be trusted: its footer holds the provenance
of its rows, and the version of each photo.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from job import storage
from job.images import Identity, with_column
from job.results import layout
from job.results.progress import Progress

STAMP = "orchard"
"""The entry of a Parquet file's footer that holds provenance and versions."""

FOOTERS_AT_A_TIME = 32
"""Footers that are read at the same time; each takes a few small requests."""

MADE_DIFFERENTLY = {
    "precision": "at another precision",
    "model": "by another model",
    "descriptor": "with another descriptor",
    "keypoints": "with another number of keypoints",
    "views": "with another number of views",
    "transform": "with another --feature-transform",
    "empty": "with another --no-keypoints",
    "decode": "with another --decode",
    "decoding": "under other rules of decoding",
    "versions": "with other versions of libraries",
}
"""What each entry of the provenance is called in a message, the most important first."""

UNKNOWN = "in an unknown way"

IDENTITY = ("digest", "thumbnail")
"""Columns with the fields of ``job.images.Identity``; null for rows of a version that did not record them."""

ROWS_SCHEMA = pa.schema([pa.field(name, pa.string()) for name in ("version", *IDENTITY)])
"""Columns of a task's rows that go into the footer of its file."""


@dataclass(frozen=True)
class Found:
    """How many of the listed photos are reused from an earlier run, and why others are not.

    Parameters
    ----------
    folder
        Of the data files.
    changed
        Photos that were computed, and have changed since.
    differently
        Photos that were computed with another provenance, by its name in the message.
    removed
        Photos that were computed and are not listed any more.
    """

    folder: str
    listed: int
    reused: int
    changed: int
    differently: Mapping[str, int]
    removed: int

    def as_manifest(self) -> dict[str, int]:
        """Return the manifest's entry "resumed"."""
        return {"reused": self.reused, "computed": self.listed - self.reused, "removed": self.removed}

    def __str__(self) -> str:
        """Return the line that the run prints."""
        if not (self.reused or self.changed or self.differently or self.removed):
            return f"Nothing is reused: the output has no {self.folder} of an earlier run."
        reasons = [f"{self.changed:,} have changed"] if self.changed else []
        reasons += [f"{photos:,} were made {how}" for how, photos in self.differently.items()]
        computed = self.listed - self.reused
        line = (
            f"Resuming {self.folder}: {self.reused:,} of {self.listed:,} photos are reused, {computed:,} are computed"
        )
        line += f" ({', '.join(reasons)})" if reasons else ""
        return line + (f"; {self.removed:,} were removed." if self.removed else ".")


def stamp(provenance: Mapping[str, Any], rows: pa.Table) -> dict[str, str]:
    """Return the footer of a file, from the provenance of its rows and their columns of ``ROWS_SCHEMA``."""
    each = {name: rows[name].to_pylist() for name in ROWS_SCHEMA.names}
    return {STAMP: json.dumps({"provenance": provenance, **each}, sort_keys=True)}


def read_stamped(output: str, name: str, columns: Sequence[str]) -> tuple[pa.Table, dict[str, Any]]:
    """Return some columns of a data file, without reading the others, and what its stamp says."""
    filesystem, path = storage.open_filesystem(storage.join(output, name))
    with pq.ParquetFile(path, filesystem=filesystem) as file:
        text = (file.metadata.metadata or {}).get(STAMP.encode(), b"{}")
        return file.read(columns=list(columns)), json.loads(text)


def stamped(described: Mapping[str, Any], rows: int) -> pa.Table:
    """Return the columns of ``ROWS_SCHEMA`` from the stamp of a file with so many rows."""
    columns = [described.get(name, [None] * rows) for name in ROWS_SCHEMA.names]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=ROWS_SCHEMA)


def reuse(
    wanted: bool, output: str, folder: str, provenance: Mapping[str, Any], photos: pa.Table, progress: Progress
) -> tuple[pa.Table, Found | None]:
    """Return the result of ``find``, and print it; without ``wanted``, the unchanged listing and None."""
    if not wanted:
        return photos, None
    with progress.stage("resume"):
        photos, found = find(output, folder, provenance, photos)
    progress.say(str(found))
    return photos, found


def find(output: str, folder: str, provenance: Mapping[str, Any], photos: pa.Table) -> tuple[pa.Table, Found]:
    """Return the listing with the place of every row that can be reused, and what was found.

    A row can be reused if its provenance is the same and its photo has the same version. Its label and split are the
    listing's.

    Raises
    ------
    ResultsUnusableError
        If the output holds finished results of another version of the layout.
    """
    if storage.exists_any(output, [layout.MANIFEST]):
        layout.read_manifest(output)
    names = data_files(output, folder)
    with ThreadPoolExecutor(FOOTERS_AT_A_TIME) as pool:
        looked_into = pool.map(lambda name: _look_into(output, name), names)
        earlier = [entry for entry in looked_into if entry is not None]
    alike = [entry for entry in earlier if _difference(entry.provenance, provenance) is None]
    rows = _concatenated([entry.rows for entry in alike])
    place = pc.index_in(_keys(photos), value_set=_keys(rows).combine_chunks())
    kept = place.is_valid()
    for name, column in (("earlier_file", "file"), ("earlier_row", "row")):
        photos = with_column(photos, name, rows[column].take(place))
    return photos, _found(folder, photos, kept, earlier, provenance)


def earlier_rows(output: str, listing: pa.Table, value: str) -> tuple[pa.Table | None, pa.Table]:
    """Return the reused rows, and the part of a listing that is left to be computed.

    Rows that cannot be read any more are left to be computed, too.

    Parameters
    ----------
    listing
        A partition of what ``find`` returned.
    value
        Name of the column of computed values.

    Returns
    -------
    rows
        Columns path, label, split, the value, and those of ``ROWS_SCHEMA``, in no particular order; None if there are
        none.
    rest
        Rows of the listing, in its order.
    """
    taken, unreadable = [], []
    for name in listing["earlier_file"].drop_null().unique().to_pylist():
        wanted = listing.filter(pc.equal(listing["earlier_file"], name))
        try:
            content, footer = layout.read_with_footer(output, name)
        except (OSError, pa.ArrowInvalid):
            unreadable.append(name)
            continue
        places = wanted["earlier_row"]
        columns = [wanted[name] for name in ("path", "label", "split")]
        columns += [content[value].take(places)]
        columns += stamped(json.loads(footer[STAMP]), len(content)).take(places).columns
        taken.append(pa.table(columns, names=["path", "label", "split", value, *ROWS_SCHEMA.names]))
    left = pc.or_(
        listing["earlier_file"].is_null(),
        pc.is_in(listing["earlier_file"], value_set=pa.array(unreadable, pa.string())),
    )
    return (pa.concat_tables(taken) if taken else None), listing.filter(left)


def with_rows_columns(made: pa.Table, photos: pa.Table, identities: Sequence[Identity]) -> pa.Table:
    """Return the rows that were computed of some photos with the columns of ``ROWS_SCHEMA``."""
    columns = {
        "version": photos["version"],
        **{name: pa.array([getattr(one, name) for one in identities], pa.string()) for name in IDENTITY},
    }
    for field in ROWS_SCHEMA:
        made = made.append_column(field, columns[field.name])
    return made


def in_order(listing: pa.Table, made: pa.Table, earlier: pa.Table | None) -> pa.Table:
    """Return computed and reused rows as one table, in the order of the listing."""
    if earlier is None:
        return made
    rows = pa.concat_tables([made, earlier.cast(made.schema)]).combine_chunks()
    places = pc.index_in(listing["path"], value_set=rows["path"].combine_chunks())
    return rows.take(places.drop_null()).combine_chunks()


@dataclass(frozen=True)
class _Earlier:
    """An earlier data file: its provenance, and the path, version, file and number of each row."""

    provenance: Mapping[str, Any] | None
    rows: pa.Table


_EARLIER_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("version", pa.string()),
        pa.field("file", pa.string()),
        pa.field("row", pa.int32()),
    ]
)


def data_files(output: str, folder: str) -> list[str]:
    """Return the data files in a folder of the results, those of the latest run first."""
    if not storage.exists_any(output, [folder]):
        return []
    found = (f"{folder}/{file.inside}" for file in storage.list_files(storage.join(output, folder)))
    # The latest run's first: where two have the same photo, its row is taken.
    return sorted((name for name in found if layout.is_data_file(name)), key=layout.run_of, reverse=True)


def _look_into(output: str, name: str) -> _Earlier | None:
    """Return a data file's rows by its footer; None if it cannot be read: its photos are then computed again."""
    try:
        table, described = read_stamped(output, name, ["path"])
        rows = len(table)
        versions = described.get("version", [None] * rows)
        columns = [table["path"].combine_chunks(), versions, [name] * rows, list(range(rows))]
        provenance = described.get("provenance")
        return _Earlier(provenance if isinstance(provenance, dict) else None, pa.table(columns, schema=_EARLIER_SCHEMA))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # content of any kind
        return None


def _difference(there: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> str | None:
    """Return the name of the first difference between two provenances, None if they are equal."""
    if there is None:
        return UNKNOWN
    if there == wanted:
        return None
    differing = (how for name, how in MADE_DIFFERENTLY.items() if there.get(name) != wanted.get(name))
    return next(differing, UNKNOWN)


def _found(
    folder: str, photos: pa.Table, kept: pa.BooleanArray, earlier: Sequence[_Earlier], provenance: Mapping[str, Any]
) -> Found:
    """Count the rows that are reused, and by reason those that are not."""
    left = photos["path"].filter(pc.invert(kept))
    tried: Counter[str] = Counter()
    for how in (None, *MADE_DIFFERENTLY.values(), UNKNOWN):
        paths = _paths([entry for entry in earlier if _difference(entry.provenance, provenance) == how])
        there = pc.is_in(left, value_set=paths)
        tried[how or ""] = pc.sum(there, min_count=0).as_py()
        left = left.filter(pc.invert(there))
    removed = pc.invert(pc.is_in(_paths(earlier).unique(), value_set=photos["path"].combine_chunks()))
    changed = tried.pop("")
    return Found(
        folder=folder,
        listed=len(photos),
        reused=pc.sum(kept, min_count=0).as_py(),
        changed=changed,
        differently={how: number for how, number in tried.items() if number},
        removed=pc.sum(removed, min_count=0).as_py(),
    )


def _paths(earlier: Sequence[_Earlier]) -> pa.StringArray:
    return _concatenated([entry.rows for entry in earlier])["path"].combine_chunks()


def _concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables([_EARLIER_SCHEMA.empty_table(), *tables]).combine_chunks()


def _keys(rows: pa.Table) -> pa.ChunkedArray:
    """Return path and version of each row as one value."""
    return pc.binary_join_element_wise(rows["path"], rows["version"], "\0")
