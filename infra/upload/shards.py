"""Pack photos into tar shards while they are sent: a plan of what goes where, and streams that need no disk."""

import io
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from infra.upload.photo_folder import Content, LocalFile, sort_key
from job.images import labels
from job.storage import shards
from job.storage.shards import Index, Packed

if TYPE_CHECKING:
    from typing_extensions import Buffer

SHARD_SIZE = 64_000_000
"""Bytes of a shard, about."""

SHARDS_AT_A_TIME = 8
"""Shards that are sent at the same time, each with a part of 8 MiB in memory."""

_BUFFER = 2**20


@dataclass(frozen=True)
class Shard:
    """A shard to send."""

    inside: str  # its path inside the set
    files: tuple[LocalFile, ...]
    following: str  # name of the first file of the next shard; empty in the last one

    @cached_property
    def names(self) -> list[str]:
        """The names of the files inside the shard."""
        folder = self.inside.rpartition("/")[0]
        return [file.inside.removeprefix(f"{folder}/") if folder else file.inside for file in self.files]

    @cached_property
    def size(self) -> int:
        """Bytes of the whole shard."""
        index, end = self._index([0] * len(self.files))
        return end + len(shards.index_bytes(index, end))

    def open(self) -> Content:
        """Return the shard from its start; it reads the photos one after the other."""
        return io.BufferedReader(_Stream(self._pieces()), _BUFFER)

    def _index(self, checksums: Iterable[int]) -> tuple[Index, int]:
        """Return the index, and where the last file's content ends."""
        packed, position = [], 0
        for name, file, crc in zip(self.names, self.files, checksums, strict=True):
            position += shards.header_length(name, file.size)
            packed.append(Packed(name, position, file.size, crc))
            position += file.size + shards.padding(file.size)
        return Index(tuple(packed), self.following), position

    def _pieces(self) -> Iterator[bytes]:
        checksums = []
        for name, file in zip(self.names, self.files, strict=True):
            content = _read(file)
            checksums.append(zlib.crc32(content))
            yield shards.header(name, file.size) + content + bytes(shards.padding(file.size))
        yield shards.index_bytes(*self._index(checksums))


def plan(files: Iterable[LocalFile], size: int = SHARD_SIZE) -> list[Shard]:
    """Return the shards of a folder, sorted by ``sort_key``: the same for the same names and sizes.

    Shards lie in the set's root. A training and a test folder directly in it keep theirs, so that each can be named.

    Parameters
    ----------
    files
        Sorted by ``sort_key``. A file that is larger than a shard gets a shard to itself.
    size
        Bytes of contents and headers in a shard at most.
    """
    by_folder: dict[str, list[LocalFile]] = defaultdict(list)
    for file in files:
        first, _, rest = file.inside.partition("/")
        by_folder[f"{first}/" if rest and labels.is_split(first) else ""].append(file)
    planned: list[Shard] = []
    for folder, members in by_folder.items():
        parts = list(_cut(members, size))
        firsts = [part[0].inside.removeprefix(folder) for part in parts[1:]] + [""]
        planned += [
            Shard(folder + shards.shard_name(number), tuple(part), following)
            for number, (part, following) in enumerate(zip(parts, firsts, strict=True))
        ]
    return sorted(planned, key=lambda shard: sort_key(shard.inside))


def usable(files: Iterable[LocalFile], refused: Callable[[LocalFile, str], None]) -> Iterator[LocalFile]:
    """Yield the files that can be packed; call ``refused`` with each other one and the reason."""
    for file in files:
        try:
            file.inside.encode()
            if file.member is None or file.problem:
                file.open().close()
        except UnicodeEncodeError:
            refused(file, "its name must be valid UTF-8 for a shard; rename it")
        except OSError as error:
            refused(file, f"the file cannot be read ({error.strerror or type(error).__name__})")
        else:
            yield file


def _cut(files: Iterable[LocalFile], size: int) -> Iterator[list[LocalFile]]:
    part: list[LocalFile] = []
    held = 0
    for file in files:
        needed = shards.header_length(file.inside, file.size) + file.size + shards.padding(file.size)
        if part and held + needed > size:
            yield part
            part, held = [], 0
        part.append(file)
        held += needed
    if part:
        yield part


def _read(file: LocalFile) -> bytes:
    """Return the content of a photo; raise OSError that names it."""
    try:
        with file.open() as stream:
            content = stream.read()
    except OSError as error:
        raise OSError(0, f"'{file.inside}': {error.strerror or error}") from error
    if len(content) != file.size:
        raise OSError(0, f"'{file.inside}' was changed during the upload")
    return content


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file that can be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        view = memoryview(buffer)
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
