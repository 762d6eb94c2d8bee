"""Walk a folder or an archive of this machine in the order in which S3 lists keys, and find its photos."""

import io
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.errors import PhotoFolderError, UnreadableFolderError
from job.images import FORMAT_NAMES, describe_ignored, ending, is_photo
from job.storage import Member, is_archive, is_hidden, list_members, read_member, without_hidden

PART = 8 * 2**20
"""Bytes of a part of a larger object, as in boto3 and the AWS CLI: the ETag depends on it."""


Content = io.BufferedIOBase
"""An open file for reading bytes."""


class ToSend(Protocol):
    """An object to be sent to a set."""

    @property
    def inside(self) -> str:
        """Its path inside the set, with "/"."""

    @property
    def size(self) -> int:
        """Bytes."""

    def open(self) -> Content:
        """Return the content from its start; may raise OSError, as may reading it."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to send, of a folder or of an archive."""

    inside: str  # its path inside the folder or archive, with "/"
    path: str
    size: int  # bytes; 0 for a broken link, which cannot be opened either
    member: Member | None = None  # its place in an archive
    problem: str = ""  # why it cannot be read from its archive; empty for most

    def open(self) -> Content:
        """Return the content from its start; a member is read into memory, not onto the disk."""
        if self.problem:
            raise OSError(0, self.problem)
        if self.member is not None:
            return io.BytesIO(read_member(self.member))
        return open(self.path, "rb")  # noqa: PTH123 - paths stay strings here: tens of thousands of them


@dataclass
class Survey:
    """What a folder or an archive contains."""

    files: int = 0
    size: int = 0  # bytes of the files
    requests: int = 0  # that sending each by itself takes
    ignored: Counter[str] = field(default_factory=Counter)  # files that are not photos, by ending
    labels: set[str] = field(default_factory=set)


def survey(folder: Path, *, every_file: bool = False) -> Survey:
    """Count the files to send, before any is sent.

    Raises
    ------
    WrongUseError
        If there is nothing to send.
    """
    if not folder.exists():
        raise PhotoFolderError(
            f"There is no folder '{folder}'.", f"List what there is: ls {shlex.quote(str(folder.parent))}"
        )
    if not folder.is_dir() and folder.name.lower().endswith((".tar.gz", ".tgz")):
        raise PhotoFolderError(
            f"A folder of photos, .zip or .tar is required, got the compressed tar '{folder}'.",
            f"Decompress it and name the .tar: gunzip {shlex.quote(str(folder))}",
        )
    if not folder.is_dir() and not is_archive(folder.name):
        raise PhotoFolderError(
            f"A folder of photos, .zip or .tar is required, got the file '{folder}'.",
            f"Use its folder: {shlex.quote(str(folder.parent))}",
        )
    found = Survey()
    for file in walk(folder):
        if every_file or is_photo(file.inside):
            found.files += 1
            found.size += file.size
            found.requests += requests_of(file.size)
            found.labels.add(file.inside.rpartition("/")[0])
        else:
            found.ignored[ending(file.inside)] += 1
    if not found.files and not found.ignored:
        raise PhotoFolderError(f"'{folder}' is empty.", "Put photos into it, in one subfolder per label.")
    if not found.files:
        raise PhotoFolderError(
            f"'{folder}' must contain photos, got other files only ({found.ignored.total():,}).",
            f"{describe_ignored(found.ignored)} Add photos in {FORMAT_NAMES}, or send all files: --every-file",
        )
    return found


def walk(folder: Path) -> Iterator[LocalFile]:
    """Yield every file below a folder, in the order of ``sort_key``, with the names of one folder in memory at a time.

    Links are followed, unless they lead to a folder above. Hidden files and system folders are skipped, as in the job.
    Of an archive, its files are yielded.
    """
    return _walk(str(folder), "", frozenset()) if folder.is_dir() else _walk_archive(str(folder))


def _walk_archive(path: str) -> Iterator[LocalFile]:
    for file in sorted(without_hidden(list_members(path, "")[0]), key=lambda file: sort_key(file.inside)):
        yield LocalFile(file.inside, f"{path}/{file.inside}", file.size, file.member, file.problem)


def requests_of(size: int) -> int:
    """Return how many requests sending a file of some bytes takes; a file in parts takes two more than it has parts."""
    return 1 if size < PART else -(-size // PART) + 2


def sort_key(inside: str) -> bytes:
    """Return the bytes in UTF-8, by which S3 sorts keys."""
    return inside.encode("utf-8", "surrogateescape")


def _walk(path: str, inside: str, above: frozenset[tuple[int, int]]) -> Iterator[LocalFile]:
    try:
        state = os.stat(path)  # noqa: PTH116 - paths stay strings here: tens of thousands of them
        with os.scandir(path) as entries:
            here = [(entry.name + "/" if entry.is_dir() else entry.name, entry) for entry in entries]
    except OSError as error:
        raise UnreadableFolderError(
            f"The folder '{path}' cannot be read: {error.strerror}.",
            f"Make it readable: chmod u+rx {shlex.quote(path)}",
        ) from error
    identity = (state.st_dev, state.st_ino)
    if identity in above:
        return
    for name, entry in sorted(here, key=lambda one: sort_key(one[0])):
        if is_hidden(name):
            continue
        if name.endswith("/"):
            yield from _walk(entry.path, inside + name, above | {identity})
        else:
            yield LocalFile(inside + name, entry.path, _size(entry))


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_size
    except OSError:
        return 0
