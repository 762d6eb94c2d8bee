"""Tar shards with an index, as ``orchard upload --shards`` packs them: their bytes, and whether those of a folder fit.

A shard is a plain tar (the WebDataset convention). Its last member is the index, which ends with a line of fixed length
that says where the index begins, so that one read of the shard's end is enough.
"""

import json
import re
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from job.errors import ShardsError

BLOCK = 512
"""Bytes. Contents in a tar are padded to multiples of it."""

INDEX = ".orchard-index"
"""Name of the member: hidden, and without the key that readers of WebDatasets expect."""

END = bytes(2 * BLOCK)
"""The end of a tar."""

READ_FIRST = 256_000
"""Bytes of a shard's end that are read first: the whole index of about 4,000 photos."""

_NAME = re.compile(r"orchard-\d{6}\.tar")
_LAST_LINE = re.compile(rb"orchard-index 1 (\d{20}) (\d{20}) ([0-9a-f]{8})\n")
_LAST_LINE_LENGTH = 67
_AGAIN = "Send it again: orchard upload FOLDER SET --shards"


@dataclass(frozen=True, slots=True)
class Packed:
    """A file of a shard."""

    name: str  # path inside the shard
    start: int  # byte of the shard where its content starts
    size: int  # bytes
    crc: int  # of its content, as in a ZIP


@dataclass(frozen=True, slots=True)
class Index:
    """The index of a shard."""

    files: tuple[Packed, ...]
    following: str  # name of the first file of the next shard; empty in the last one


def shard_name(number: int) -> str:
    """Return the name of a shard, from 0."""
    return f"orchard-{number:06d}.tar"


def is_shard(path: str) -> bool:
    """Return whether a name is that of a shard with an index."""
    return _NAME.fullmatch(path.rpartition("/")[2]) is not None


def header(name: str, size: int) -> bytes:
    """Return the header of a file in a tar: always the same, without time, owner and mode of the file."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def header_length(name: str, size: int) -> int:
    """Return how many bytes ``header`` has; built for few names only, because that takes most of a plan's time."""
    plain = name.isascii() and len(name) <= 100 and size < 8**11
    return BLOCK if plain else len(header(name, size))


def padding(size: int) -> int:
    """Return how many bytes follow a content in a tar."""
    return -size % BLOCK


def index_bytes(index: Index, start: int) -> bytes:
    """Return the end of a shard: its index as a member that starts at byte ``start``, and the end of the tar.

    The length depends on names and sizes only, so that it is known before any content is read.
    """
    rows = [[file.name, file.start, file.size, f"{file.crc:08x}"] for file in index.files]
    table = {"following": index.following, "files": rows}
    content = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    begins = start + BLOCK
    last = b"orchard-index 1 %020d %020d %08x\n" % (begins, len(content), zlib.crc32(content))
    content += b"\n" * padding(len(content) + len(last)) + last
    return header(INDEX, len(content)) + content + END


def read_index(read_at: Callable[[int, int], bytes], size: int, uri: str) -> Index:
    """Return the index of a shard.

    Parameters
    ----------
    read_at
        Returns so many bytes from a position.
    size
        Bytes of the shard.
    uri
        Of the shard, for errors.

    Raises
    ------
    ShardsError
        If there is no index, or it is damaged or of another shard.
    """
    length = min(size, READ_FIRST)
    tail = read_at(length, size - length) if size else b""
    match = _LAST_LINE.fullmatch(tail[-len(END) - _LAST_LINE_LENGTH : -len(END)])
    if match is None:
        raise ShardsError(f"The shard '{uri}' must end with its index, got one without: it is not whole.", _AGAIN)
    begins, needed = int(match[1]), int(match[2])
    ends = begins + needed + padding(needed + _LAST_LINE_LENGTH) + _LAST_LINE_LENGTH
    if ends != size - len(END):
        raise ShardsError(f"The index of the shard '{uri}' must fit its {size:,} bytes, got that of another.", _AGAIN)
    offset = begins - (size - length)
    content = tail[offset : offset + needed] if offset >= 0 else read_at(needed, begins)
    if f"{zlib.crc32(content):08x}".encode() != match[3]:
        raise ShardsError(f"The index of the shard '{uri}' must match its checksum, got a damaged one.", _AGAIN)
    index = _parsed(content)
    if index is None or not all(0 <= file.start <= file.start + file.size <= begins for file in index.files):
        raise ShardsError(f"The index of the shard '{uri}' must name files of the shard, got others.", _AGAIN)
    return index


def require_whole(indexes: Mapping[str, Index], folder: str) -> None:
    """Raise ShardsError unless the shards of each folder are those of one upload, without one missing or left over.

    Parameters
    ----------
    indexes
        By the shard's path inside ``folder``.
    """
    by_folder: dict[str, list[str]] = defaultdict(list)
    for inside in sorted(indexes):
        by_folder[inside.rpartition("/")[0]].append(inside)
    for shards in by_folder.values():
        next_files = [*(indexes[shard].files[0].name for shard in shards[1:]), ""]
        pairs = zip(shards, next_files, strict=True)
        broken = [f"after '{shard}'" for shard, next_file in pairs if indexes[shard].following != next_file]
        if not shards[0].endswith(shard_name(0)):
            broken.insert(0, f"before '{shards[0]}'")
        if broken:
            raise ShardsError(
                f"The shards in '{folder}' must be all those of one upload, got {len(shards):,} with one missing or "
                f"left over {broken[0]}.",
                "Send them again; shards that are left over are named then: orchard upload FOLDER SET --shards",
            )


def _parsed(content: bytes) -> Index | None:
    try:
        table = json.loads(content)
        rows = [Packed(str(name), int(start), int(size), int(crc, 16)) for name, start, size, crc in table["files"]]
        return Index(tuple(rows), str(table["following"])) if rows else None
    except (ValueError, KeyError, TypeError):
        return None
