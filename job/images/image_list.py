"""Reads a list of photos: CSV or Parquet with their URIs, or an S3 Inventory, instead of a folder that is listed."""

import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from job import storage
from job.errors import PhotosNotFoundError, one_line, unreachable
from job.images import listing
from job.images.listing import PHOTO_ENDINGS, Subset
from job.storage import FileFound

URI_COLUMNS = ("uri", "url", "path", "image", "file")
"""Column names under which a list may hold its URIs, compared in lower case; the first that is there is taken."""

VERSION_COLUMNS = ("etag", "lastmodifieddate", "lastmodified")
"""Columns of which each tells whether a photo has changed, compared without case and underscores."""

GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Listed:
    """A photo of a list."""

    uri: str
    size: int | None = None  # in bytes; None if the list does not tell
    version: str = ""  # changes when the photo does; empty if the list does not tell
    label: str = ""  # empty if the list does not tell: then it is the last folder of the path


def list_photos(uri: str, split: str, subset: Subset) -> pa.Table:
    """Return the listing of the photos that a list names, sorted by path.

    Labels come from a column ``label``; without one, or where it is empty, from the last folder of each path. Sizes
    and versions that the list does not tell are asked for, photo by photo.

    Parameters
    ----------
    uri
        Of the list. A CSV may have a header; a column ``uri`` or ``path`` holds URIs as they are, relative ones from
        the list's own folder. Columns ``bucket`` and ``key`` are an S3 Inventory's; without a header, two columns of
        which the first has no slash are taken for these. The Inventory's ``manifest.json`` stands for all its files.
    """
    named = {entry.uri: entry for entry in read(uri)}
    entries = {name: entry for name, entry in named.items() if name.lower().endswith(PHOTO_ENDINGS)}
    if not entries:
        endings = ", ".join(PHOTO_ENDINGS)
        raise PhotosNotFoundError(
            f"The list '{uri}' names {len(named)} files, but no photo.", f"Photos end in {endings}."
        )
    ordered = [FileFound(name, 0) for name in sorted(entries)]
    labels = {name: entry.label or listing.label_of(name, "") for name, entry in entries.items()}
    drawn = listing.draw(ordered, [labels[photo.inside] for photo in ordered], subset, uri)
    wanted = [entries[photo.inside] for photo in drawn]
    found = storage.look_at([entry.uri for entry in wanted if entry.size is None or not entry.version])
    asked = {file.inside: file for file in found}
    files = [
        listing.with_problem_of_size(asked.get(entry.uri) or FileFound(entry.uri, entry.size or 0)) for entry in wanted
    ]
    return listing.as_listing(
        [entry.uri for entry in wanted],
        [labels[entry.uri] for entry in wanted],
        split,
        [file.size for file in files],
        [file.problem for file in files],
        [f"{file.size}-{file.modified or entry.version}" for entry, file in zip(wanted, files, strict=True)],
    )


def read(uri: str) -> list[Listed]:
    """Return what a list names, in its order."""
    content = _content(uri)
    folder = uri.rsplit("/", 1)[0]
    try:
        if uri.endswith(".json"):
            return _inventory(json.loads(content))
        if uri.endswith(".parquet"):
            return _named(pq.read_table(pa.BufferReader(content)), folder, encoded=False)
        return _named(_csv(content), folder, encoded=True)
    except (pa.ArrowException, ValueError, KeyError, TypeError, EOFError, gzip.BadGzipFile) as error:
        raise PhotosNotFoundError(
            f"The list '{uri}' cannot be read: {one_line(error)}.",
            "Give a CSV or Parquet file with a column of URIs, or the manifest.json of an S3 Inventory.",
        ) from error


def _content(uri: str) -> bytes:
    try:
        return storage.read_bytes(uri)
    except FileNotFoundError:
        raise PhotosNotFoundError(
            f"There is no list '{uri}'.", "Check its name, and that it can be reached from here."
        ) from None
    except OSError as error:
        raise unreachable(f"The list '{uri}' could not be read", error) from error


def _inventory(manifest: dict[str, Any]) -> list[Listed]:
    """Return what the files of an S3 Inventory name; the manifest says which files, and what their columns are."""
    bucket = manifest["destinationBucket"].rsplit(":", 1)[-1]
    kind = manifest["fileFormat"]
    if kind not in ("CSV", "Parquet"):
        raise ValueError(f"an Inventory of the format {kind}, which is none of CSV and Parquet")
    columns = [name.strip() for name in manifest["fileSchema"].split(",")]
    named: list[Listed] = []
    for file in manifest["files"]:
        content = _content(f"s3://{bucket}/{file['key']}")
        table = pq.read_table(pa.BufferReader(content)) if kind == "Parquet" else _csv(content, columns)
        named += _named(table, "", encoded=kind == "CSV")
    return named


def _csv(content: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a CSV as a table of strings; without given columns its first line is a header if it looks like one."""
    if content.startswith(GZIP):
        content = gzip.decompress(content)
    first = pyarrow.csv.read_csv(
        io.BytesIO(content.split(b"\n", 1)[0] + b"\n"),
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False),
    )
    cells = [str(column[0].as_py()) for column in first.columns]
    has_header = columns is None and any(_plain(cell) in (*URI_COLUMNS, "key") for cell in cells)
    if columns is None:
        columns = cells if has_header else _guessed(cells)
    return pyarrow.csv.read_csv(
        io.BytesIO(content),
        read_options=pyarrow.csv.ReadOptions(column_names=list(columns), skip_rows=int(has_header)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
    )


def _guessed(cells: Sequence[str]) -> list[str]:
    """Return the columns of a CSV without a header, from the cells of its first line."""
    known = ["bucket", "key"] if len(cells) > 1 and "/" not in cells[0] else ["uri"]
    return [name or f"column {number}" for number, (name, _) in enumerate(zip_longest(known, cells))]


def _named(table: pa.Table, folder: str, *, encoded: bool) -> list[Listed]:
    """Return what the rows of a list name; earlier versions of objects, and deleted ones, are passed over."""
    plain = [_plain(name) for name in table.column_names]
    columns = {name: table.column(plain.index(name)).to_pylist() for name in plain}
    uri_column = next((name for name in URI_COLUMNS if name in columns), None)
    if uri_column is not None:
        uris = [_absolute(str(value), folder) for value in columns[uri_column]]
    elif {"bucket", "key"} <= set(columns):
        keys = [unquote_plus(key) if encoded else key for key in columns["key"]]
        uris = [f"s3://{bucket}/{key}" for bucket, key in zip(columns["bucket"], keys, strict=True)]
    else:
        raise ValueError(f"no column is called {', '.join(URI_COLUMNS)}, or bucket and key")
    sizes = columns.get("size") or [None] * len(uris)
    versions = next((columns[name] for name in VERSION_COLUMNS if name in columns), [""] * len(uris))
    count = len(uris)
    labels = ["" if label is None else str(label).strip() for label in columns.get("label", [None] * count)]
    named = [
        Listed(uri, int(size) if size not in (None, "") else None, str(version or ""), label)
        for uri, size, version, label in zip(uris, sizes, versions, labels, strict=True)
    ]
    latest, deleted = columns.get("islatest", [True] * count), columns.get("isdeletemarker", [False] * count)
    flags = [tuple(str(flag).lower() for flag in each) for each in zip(latest, deleted, strict=True)]
    return [entry for entry, flag in zip(named, flags, strict=True) if flag[0] != "false" and flag[1] != "true"]


def _absolute(uri: str, folder: str) -> str:
    is_relative = storage.is_local(uri) and not uri.startswith("/")
    return storage.absolute_uri(storage.join(folder, uri) if is_relative else uri)


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "")
