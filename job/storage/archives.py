"""Read ZIP and tar archives as folders: list their members, and read members by ranges without unpacking."""

import io
import re
import struct
import tarfile
import threading
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import fs

from job.errors import PhotosNotFoundError, one_line
from job.storage import shards
from job.storage.filesystem import open_filesystem, persistently
from job.storage.uri import is_local

if TYPE_CHECKING:
    from typing_extensions import Buffer

SCANNED_AT_A_TIME = 8_000_000
"""Bytes of a tar that are read together in search of its headers."""

READ_AT_A_TIME = 8_000_000
"""Bytes of an archive that are read together, unless one member is larger."""

LARGEST_GAP = 256_000
"""Bytes between two members that are read for nothing rather than asking again."""

_ARCHIVE = re.compile(r"^(?P<archive>.*?\.(?:tar|zip))/(?P<inside>.+)$", re.IGNORECASE | re.DOTALL)
_LOCAL_HEADER = struct.Struct("<4s4xH16xHH")
"""Of a ZIP member: its signature, a compression method, and the lengths of its name and extra field."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    archive: str  # URI
    start: int  # byte of the archive where its content starts, in a ZIP its header
    stored: int  # bytes from there, header included
    size: int  # bytes of its content
    crc: int | None = None  # of its content; None in a tar without an index


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as an archive lists it."""

    inside: str  # path inside the archive
    member: Member
    modified: int = 0  # changes with the content: nanoseconds since 1970, in a ZIP or shard the checksum
    problem: str = ""  # why it cannot be read; empty for most


@dataclass(frozen=True, slots=True)
class Listed:
    """What an archive contains."""

    entries: Mapping[str, Entry]  # by path inside the archive, in its order
    index: shards.Index | None = None  # None if it is not a shard of ours


def is_archive(path: str) -> bool:
    """Return whether a name is that of an archive which can be read by ranges."""
    return path.lower().endswith((".tar", ".zip"))


def without_archive(path: str) -> str:
    """Return the path that a photo would have if the archive of its path were unpacked where it is."""
    match = _ARCHIVE.match(path)
    if match is None:
        return path
    folder = match["archive"].rpartition("/")[0]
    return f"{folder}/{match['inside']}" if folder else match["inside"]


def path_inside(uri: str, folder: str) -> str:
    """Return a photo's path inside its folder, as if the archives in it were unpacked."""
    return without_archive(uri.removeprefix(f"{folder}/"))


def list_archive(uri: str) -> Listed:
    """Return the files of an archive, in its order; of several with one name the last, which unpacking would leave.

    Raises
    ------
    PhotosNotFoundError
        If the file is not an archive, or ends early.
    ShardsError
        If it is a shard without its index.
    """
    return _look(uri)


def find_member(uri: str) -> Member | None:
    """Return the member that a URI names by a path through an archive, as ``photos.zip/Apple/1.jpg``."""
    match = _ARCHIVE.match(uri)
    if match is None:
        return None
    return _find_members(match["archive"], [uri]).get(uri)


def _find_members(archive: str, uris: Iterable[str]) -> dict[str, Member]:
    """Return the members of an archive that URIs name, in its order; other URIs are left out."""
    entries = _look(archive).entries
    found = {uri: entries[inside].member for uri in uris if (inside := uri.removeprefix(f"{archive}/")) in entries}
    return dict(sorted(found.items(), key=lambda item: item[1].start))


def extract(content: bytes, member: Member) -> bytes:
    """Return the content of a member, given the ``stored`` bytes from its ``start``.

    Raises
    ------
    OSError
        If the archive is damaged there, or has changed since it was listed.
    """
    if not _is_zip(member.archive):
        content = content[: member.size]
        if len(content) < member.size:
            raise OSError("its archive ends early")
        if member.crc is not None and zlib.crc32(content) != member.crc:
            raise OSError("its shard is damaged, or has the index of another")
        return content
    if len(content) < _LOCAL_HEADER.size:
        raise OSError("its archive ends early")
    signature, method, name, extra = _LOCAL_HEADER.unpack_from(content)
    packed = content[_LOCAL_HEADER.size + name + extra :]
    # At most one byte more than the archive states: what grows beyond that is refused without filling the memory.
    try:
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.size + 1) if method else packed
    except zlib.error as error:
        raise OSError(f"its archive is damaged: {one_line(error)}") from error
    unpacked = unpacked if method else unpacked[: member.size]
    if signature != b"PK\3\4" or len(unpacked) != member.size or zlib.crc32(unpacked) != member.crc:
        raise OSError("its archive is damaged, or was changed after it was listed")
    return unpacked


def read_member(member: Member) -> bytes:
    """Return the content of one member; may raise OSError."""
    return extract(_read_range(member.archive, member.start, member.stored), member)


def reader(members: Mapping[str, Member], read: Callable[[str], bytes]) -> Callable[[str], bytes]:
    """Return a function that reads files by URI from several threads, each stretch of an archive once.

    Parameters
    ----------
    members
        By URI, in the order in which they will be read. Other URIs are read by ``read``.
    """
    stretches = _stretches(members)

    def read_one(uri: str) -> bytes:
        return stretches[uri].read(members[uri], uri) if uri in stretches else read(uri)

    return read_one


def reader_by_path(uris: Iterable[str], read: Callable[[str], bytes]) -> Callable[[str], bytes]:
    """Return a function like ``reader``'s for files whose places in archives are not known yet.

    An archive is looked at when the first of its members is read.
    """
    named: dict[str, list[str]] = defaultdict(list)
    for uri in uris:
        if match := _ARCHIVE.match(uri):
            named[match["archive"]].append(uri)
    locks = {archive: threading.Lock() for archive in named}
    readers: dict[str, Callable[[str], bytes]] = {}

    def read_one(uri: str) -> bytes:
        match = _ARCHIVE.match(uri)
        archive = match["archive"] if match else ""
        if archive not in named:
            return read(uri)
        with locks[archive]:
            if archive not in readers:
                readers[archive] = reader(_find_members(archive, named[archive]), read)
        return readers[archive](uri)

    return read_one


class _Stretch:
    """A stretch of an archive, which is read with its first member and forgotten after its last one."""

    def __init__(self, first: Member) -> None:
        self.archive, self.start, self.end = first.archive, first.start, first.start
        self._waiting: set[str] = set()
        self._content: bytes | None = None
        self._lock = threading.Lock()

    def is_near(self, member: Member) -> bool:
        """Return whether a member can be read with those before it."""
        near = member.archive == self.archive and 0 <= member.start - self.end <= LARGEST_GAP
        return near and member.start + member.stored - self.start <= READ_AT_A_TIME

    def add(self, uri: str, member: Member) -> None:
        """Extend the stretch by a member."""
        self.end = member.start + member.stored
        self._waiting.add(uri)

    def read(self, member: Member, uri: str) -> bytes:
        with self._lock:
            if self._content is None:
                self._content = _read_range(self.archive, self.start, self.end - self.start)
            content = self._content
            self._waiting.discard(uri)
            if not self._waiting:
                self._content = None
        begin = member.start - self.start
        return extract(content[begin : begin + member.stored], member)


def _stretches(members: Mapping[str, Member]) -> dict[str, _Stretch]:
    """Return the stretch of each member, by URI."""
    found: dict[str, _Stretch] = {}
    stretch: _Stretch | None = None
    for uri, member in members.items():
        if stretch is None or not stretch.is_near(member):
            stretch = _Stretch(member)
        stretch.add(uri, member)
        found[uri] = stretch
    return found


def _read_range(uri: str, start: int, length: int) -> bytes:
    filesystem, path = open_filesystem(uri)

    def read() -> bytes:
        with filesystem.open_input_file(path) as file:
            return bytes(file.read_at(length, start))

    return read() if is_local(uri) else persistently(read)


def _look(uri: str) -> Listed:
    """Return what an archive contains; nothing if it is not a file, as a folder with an archive's name."""
    filesystem, path = open_filesystem(uri)
    info = filesystem.get_file_info(path)
    if info.type != fs.FileType.File:
        return Listed({})
    with _LISTING.setdefault(uri, threading.Lock()):
        return _listed(uri, info.size, info.mtime_ns or 0)


_LISTING: dict[str, threading.Lock] = {}
"""By URI, so that threads do not list one archive twice."""


@lru_cache(maxsize=1024)
def _listed(uri: str, size: int, _modified: int) -> Listed:
    """Return what an archive contains; its size and time keep a changed one from being remembered."""
    filesystem, path = open_filesystem(uri)
    try:
        with filesystem.open_input_file(path) as file:
            if shards.is_shard(path):
                return of_index(shards.read_index(file.read_at, size, uri), uri)
            list_one = _zip_entries if _is_zip(uri) else _tar_entries
            return Listed({entry.inside: entry for entry in list_one(_Raw(file, size), uri)})
    except (zipfile.BadZipFile, tarfile.TarError, struct.error, NotImplementedError) as error:
        raise PhotosNotFoundError(
            f"'{uri}' must be a whole archive, got one that cannot be read: {one_line(error)}.",
            "Copy it again, or name the folder that it was made from.",
        ) from error


def of_index(index: shards.Index, uri: str) -> Listed:
    """Return what a shard contains."""
    members = {file.name: Member(uri, file.start, file.size, file.size, file.crc) for file in index.files}
    return Listed({name: Entry(name, member, member.crc or 0) for name, member in members.items()}, index)


def _is_zip(uri: str) -> bool:
    return uri.lower().endswith(".zip")


def _zip_entries(raw: io.RawIOBase, uri: str) -> Iterator[Entry]:
    file: Any = raw
    with zipfile.ZipFile(file) as archive:
        found = archive.infolist()
        starts = sorted({info.header_offset for info in found} | {archive.start_dir})
    end_of = dict(pairwise(starts))
    for info in found:
        if info.is_dir():
            continue
        # Some programs for Windows write its separator.
        inside = info.filename if "/" in info.filename else info.filename.replace("\\", "/")
        problem = ""
        if info.flag_bits & 1:
            problem = "encrypted in its archive"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problem = f"compressed in its archive by method {info.compress_type}; only stored and deflated can be read"
        start = info.header_offset
        member = Member(uri, start, end_of.get(start, start) - start, info.file_size, info.CRC)
        yield Entry(inside.lstrip("/"), member, info.CRC, problem)


def _tar_entries(raw: io.RawIOBase, uri: str) -> Iterator[Entry]:
    buffered: Any = io.BufferedReader(raw, SCANNED_AT_A_TIME)
    with tarfile.open(fileobj=buffered, mode="r:") as archive:
        for info in archive:
            if info.isdir():
                continue
            # A name that is not UTF-8 has surrogates, which no file of results can hold.
            inside = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            problem = "" if info.isreg() and not info.issparse() else "not a plain file of its archive"
            member = Member(uri, info.offset_data, info.size, info.size)
            yield Entry(inside.removeprefix("./").lstrip("/"), member, int(info.mtime * 1_000_000_000), problem)


class _Raw(io.RawIOBase):
    """A file of ``pyarrow`` for modules that expect Python's; reads nothing ahead."""

    def __init__(self, file: pa.NativeFile, size: int) -> None:
        self._file, self._size, self._position = file, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        content = self._file.read_at(max(0, min(len(view), self._size - self._position)), self._position)
        view[: len(content)] = content
        self._position += len(content)
        return len(content)
