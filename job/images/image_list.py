"""Read a list of photos in place of a folder: CSV or Parquet with URIs, or an S3 Inventory."""

import gzip
import io
import json
import re
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
from job.images.formats import FORMAT_NAMES, count_endings, is_photo
from job.images.labels import label_of, labels_of
from job.images.listing import LeftOut, Subset
from job.images.patterns import nfc
from job.storage import FileFound

URI_COLUMNS = ("uri", "url", "path", "image", "file", "filepath", "filename", "imagepath")
"""Names of the column of URIs, compared without case and underscores; the first that exists is used."""

LABEL_COLUMNS = ("label", "class")

VERSION_COLUMNS = ("etag", "lastmodifieddate", "lastmodified")
"""Columns that change with a photo, compared without case and underscores."""

GZIP = b"\x1f\x8b"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ALL_QUOTED = re.compile(rb'"[^"]*"(,"[^"]*")+')


@dataclass(frozen=True)
class Listed:
    """A photo of a list."""

    uri: str
    size: int | None = None  # bytes; None if the list does not say
    version: str = ""  # changes with the photo; empty if the list does not say
    label: str = ""  # empty if the list does not say: then the last folder of the path


def list_photos(
    uri: str,
    split: str,
    subset: Subset,
    left_out: LeftOut | None = None,
    pattern: re.Pattern[str] | None = None,
) -> pa.Table:
    """Return the listing of the photos that a list names, sorted by path.

    Labels come from ``--label-pattern``, which is applied to the whole URI, else from the list's column ``label``, else
    from the last folder of each path. Sizes and versions that the list does not contain are looked up per photo.

    Parameters
    ----------
    uri
        Of the list. A CSV may have a header. A column of ``URI_COLUMNS`` contains URIs as they are, relative ones from
        the list's own folder. Columns ``bucket`` and ``key`` are those of an S3 Inventory; rows without a header are
        taken for its rows only if all values are quoted, as AWS writes them, and the first is a bucket's name. The
        Inventory's ``manifest.json`` means all its files.
    """
    named = {entry.uri: entry for entry in read(uri)}
    entries = {name: entry for name, entry in named.items() if is_photo(name)}
    if left_out is not None:
        left_out.ignored.update(count_endings(name for name in named if not is_photo(name)))
    if not entries:
        raise PhotosNotFoundError(
            f"The list '{uri}' must name photos, got other files only ({len(named):,}).",
            f"Add photos in {FORMAT_NAMES}.",
        )
    ordered = [FileFound(name, 0) for name in sorted(entries)]
    if pattern is None:
        labels = {name: nfc(entry.label) or label_of(name, "") for name, entry in entries.items()}
    else:
        labels = dict(zip(entries, labels_of(list(entries), "", pattern), strict=True))
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
    """Return the photos of a list, in its order."""
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
            f"Cannot read the list '{uri}': {one_line(error)}.",
            "Use a CSV or Parquet file with a column path, or the manifest.json of an S3 Inventory.",
        ) from error


def _content(uri: str) -> bytes:
    try:
        return storage.read_bytes(uri)
    except FileNotFoundError:
        raise PhotosNotFoundError(
            f"There is no list '{uri}'.", "Check its name, and that this machine may read it."
        ) from None
    except OSError as error:
        raise unreachable(f"Cannot read the list '{uri}'", error) from error


def _inventory(manifest: dict[str, Any]) -> list[Listed]:
    """Return the photos of an S3 Inventory, whose manifest names its files and their columns."""
    bucket = manifest["destinationBucket"].rsplit(":", 1)[-1]
    kind = manifest["fileFormat"]
    if kind not in ("CSV", "Parquet"):
        raise ValueError(f"an Inventory must be CSV or Parquet, got {kind}")
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
        quoted = bool(_ALL_QUOTED.fullmatch(content.split(b"\n", 1)[0].strip()))
        columns = cells if has_header else _guessed(cells, quoted=quoted)
    return pyarrow.csv.read_csv(
        io.BytesIO(content),
        read_options=pyarrow.csv.ReadOptions(column_names=list(columns), skip_rows=int(has_header)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
    )


def _guessed(cells: Sequence[str], *, quoted: bool) -> list[str]:
    """Return the columns of a CSV without a header, from the cells of its first line.

    A label must never be taken for a bucket: requests would tell its name to a stranger.
    """
    if len(cells) > 1 and quoted and _BUCKET.fullmatch(cells[0]) and is_photo(cells[1]):
        known = ["bucket", "key"]
    elif is_photo(cells[0]) or len(cells) == 1:
        known = ["uri"]
    else:
        raise ValueError(
            f"it needs a header with a column {', '.join(URI_COLUMNS)} or bucket and key; its first line is "
            f"{', '.join(cells)}"
        )
    return [name or f"column {number}" for number, (name, _) in enumerate(zip_longest(known, cells))]


def _named(table: pa.Table, folder: str, *, encoded: bool) -> list[Listed]:
    """Return the photos of a list's rows, without earlier versions of objects and deleted ones."""
    plain = [_plain(name) for name in table.column_names]
    columns = {name: table.column(plain.index(name)).to_pylist() for name in plain}
    uri_column = next((name for name in URI_COLUMNS if name in columns), None)
    if uri_column is not None:
        uris = [_absolute(str(value), folder) for value in columns[uri_column]]
    elif {"bucket", "key"} <= set(columns):
        keys = [unquote_plus(key) if encoded else key for key in columns["key"]]
        uris = [f"s3://{bucket}/{key}" for bucket, key in zip(columns["bucket"], keys, strict=True)]
    else:
        raise ValueError(
            f"it needs a column {', '.join(URI_COLUMNS)}, or bucket and key; its columns are "
            f"{', '.join(table.column_names)}"
        )
    count = len(uris)
    nothing = [None] * count
    sizes = columns.get("size", nothing)
    versions = next((columns[name] for name in VERSION_COLUMNS if name in columns), nothing)
    labels = next((columns[name] for name in LABEL_COLUMNS if name in columns), nothing)
    named = [
        Listed(uri, int(size) if size not in (None, "") else None, str(version or ""), str(label or "").strip())
        for uri, size, version, label in zip(uris, sizes, versions, labels, strict=True)
    ]
    latest, deleted = columns.get("islatest", [True] * count), columns.get("isdeletemarker", [False] * count)
    flags = [tuple(str(flag).lower() for flag in each) for each in zip(latest, deleted, strict=True)]
    return [entry for entry, flag in zip(named, flags, strict=True) if flag[0] != "false" and flag[1] != "true"]


def _absolute(uri: str, folder: str) -> str:
    is_relative = storage.is_local(uri) and not uri.startswith("/")
    if not storage.is_local(uri) and "//" in uri.partition("://")[2]:
        return uri  # such a key is rejected when it is read, and the other photos are used
    return storage.absolute_uri(storage.join(folder, uri) if is_relative else uri)


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "")
