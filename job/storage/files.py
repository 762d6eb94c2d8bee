"""List, read and write files by URI, the same way on a disk, on S3 and wherever else ``pyarrow.fs`` reaches."""

import errno
import os
import secrets
import shlex
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import fs

from job.errors import (
    BackboneError,
    NotWrittenError,
    PhotosNotFoundError,
    another_output,
    nearest,
    one_line,
    refused,
    unreachable,
)
from job.storage.archives import Member, find_member, is_archive, list_archive, read_member
from job.storage.filesystem import open_filesystem, persistently
from job.storage.shards import Index
from job.storage.uri import is_local

LOOKS_AT_A_TIME = 64
"""Files whose size is asked for at the same time: each takes a request that is mostly waiting."""

FOLDERS_AT_A_TIME = 16
"""Folders of an object store that are listed together."""


@dataclass(frozen=True, slots=True)
class FileFound:
    """A file of a folder."""

    inside: str  # path inside the folder; bytes that are not UTF-8 are written with backslashes
    size: int  # bytes
    problem: str = ""  # why it cannot be opened; empty if it can
    modified: int = 0  # last change, nanoseconds since 1970; 0 if the storage does not say
    member: Member | None = None  # its place in an archive; None if it is a file


SYSTEM_FOLDERS = ("@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX")
"""Folders of disks, network drives and archives that hold copies and deleted files."""


@dataclass
class Skipped:
    """Fills with what a listing of a folder leaves out, as paths inside the folder."""

    unreadable: list[str] = field(default_factory=list)  # folders that may not be read
    system: list[str] = field(default_factory=list)  # folders in ``SYSTEM_FOLDERS``
    folders: list[str] = field(default_factory=list)  # folders that were listed; none of an object store


def is_hidden(inside: str) -> bool:
    """Return whether a path is below a system folder, or has a name that starts with a dot."""
    return any(part.startswith(".") or part in SYSTEM_FOLDERS for part in PurePosixPath(inside).parts)


def list_files(folder: str, skipped: Skipped | None = None) -> list[FileFound]:
    """Return every file below a folder, in no particular order.

    Files and folders whose name starts with a dot are skipped: desktops and tools leave them behind.
    """
    filesystem, path = open_filesystem(folder)
    try:
        local = isinstance(filesystem, fs.LocalFileSystem)
        look = partial(filesystem.get_file_info, path)
        root = look() if local else persistently(look)
        if root.type == fs.FileType.NotFound:
            raise PhotosNotFoundError(
                f"There is no folder '{folder}'.",
                f"{nearest_folder(folder)}Check its name, and that this machine may read it.",
            )
        if root.type == fs.FileType.File and is_archive(path):
            return without_hidden(list_members(folder, "")[0], skipped)
        # An object store may have an object and a folder of the same name.
        if root.type != fs.FileType.Directory and (local or not _list_below(filesystem, path)):
            if path.lower().endswith((".tar.gz", ".tgz")):
                raise PhotosNotFoundError(
                    f"'{folder}' must be a folder or an archive that can be read by ranges, got a compressed tar.",
                    f"Decompress it and name the .tar: gunzip {shlex.quote(folder)}",
                )
            raise PhotosNotFoundError(f"'{folder}' is a file, not a folder.", "Name a folder, .zip or .tar.")
        found = list(_walk(Path(path), skipped) if local else _list_objects(filesystem, path))
    except OSError as error:
        raise unreachable(f"Cannot list the folder '{folder}'", error) from error
    return without_hidden(found, skipped)


def list_members(archive: str, inside: str) -> tuple[list[FileFound], Index | None]:
    """Return all files of an archive at ``inside`` (empty if it is the folder), and the index if it is a shard."""
    before, listed = f"{inside}/" if inside else "", list_archive(archive)
    entries = listed.entries.values()
    found = [FileFound(before + of.inside, of.member.size, of.problem, of.modified, of.member) for of in entries]
    return found, listed.index


def without_hidden(found: Sequence[FileFound], skipped: Skipped | None = None) -> list[FileFound]:
    """Return the files that are not hidden."""
    if skipped is not None:
        skipped.system += sorted({_system_folder(file.inside) for file in found} - {""})
    return [file for file in found if not is_hidden(file.inside)]


def look_at(uris: Sequence[str]) -> list[FileFound]:
    """Return size and time of files, in the order given; ``inside`` is the URI, and a missing one has a problem."""

    def look_at_one(uri: str) -> FileFound:
        filesystem, path = open_filesystem(uri)
        look = partial(filesystem.get_file_info, path)
        try:
            info = look() if is_local(uri) else persistently(look)
        except OSError as error:
            if is_local(uri):
                return FileFound(uri, 0, one_line(error))
            raise unreachable(f"Cannot read the size of '{uri}'", error) from error
        except pa.ArrowInvalid as error:  # a name that none can have, as one with a NUL byte
            return FileFound(uri, 0, one_line(error))
        problem = "" if info.type == fs.FileType.File else "there is no such file"
        return FileFound(uri, info.size or 0, problem, info.mtime_ns or 0)

    with ThreadPoolExecutor(LOOKS_AT_A_TIME) as pool:
        return list(pool.map(look_at_one, uris))


def exists_any(folder: str, names: Iterable[str]) -> list[str]:
    """Return those of the names for which the folder holds a file, or a folder with a file somewhere below."""
    filesystem, path = open_filesystem(folder)
    found = []
    try:
        for name in names:
            info = filesystem.get_file_info(f"{path}/{name}")
            is_folder = info.type == fs.FileType.Directory
            if info.type == fs.FileType.File or (is_folder and _has_file(filesystem, info.path)):
                found.append(name)
    except OSError as error:
        raise unreachable(f"Cannot look into the folder '{folder}'", error) from error
    return found


def nearest_folder(folder: str) -> str:
    """Return a question that begins a hint and has the path of a local folder with a similar name, or an empty text."""
    if not is_local(folder):
        return ""
    try:
        names = [entry.name for entry in os.scandir(Path(folder).parent) if entry.is_dir()]
    except OSError:
        return ""
    near = nearest(Path(folder).name, names)
    return f"Did you mean {shlex.quote(str(Path(folder).with_name(near)))}? " if near else ""


def folder_exists(folder: str) -> bool:
    """Return whether a folder exists."""
    filesystem, path = open_filesystem(folder)
    try:
        return bool(filesystem.get_file_info(path).type == fs.FileType.Directory)
    except OSError as error:
        raise unreachable(f"Cannot look into the folder '{folder}'", error) from error


def read_bytes(uri: str) -> bytes:
    """Return the content of a file, or of a member of an archive.

    Raises
    ------
    OSError
        If it cannot be read, elsewhere after several attempts.
    """
    member = find_member(uri)
    if member is not None:
        return read_member(member)
    filesystem, path = open_filesystem(uri)

    def read() -> bytes:
        with filesystem.open_input_file(path) as stream:
            content, size = bytes(stream.read()), stream.size()
        if len(content) != size:
            raise OSError(f"{len(content):,} of {size:,} bytes came")
        return content

    return read() if is_local(uri) else persistently(read)


def local_copy(uri: str, folder: Path) -> Path:
    """Return a file of this machine with the content of a URI: the file itself, or a copy in ``folder``."""
    if is_local(uri):
        return Path(uri)
    copy = folder / uri.rsplit("/", 1)[1]
    try:
        copy.write_bytes(read_bytes(uri))
    except OSError as error:
        raise BackboneError(
            f"Cannot read '{uri}': {one_line(error)}.", "Check its name, and that this machine may read it."
        ) from error
    return copy


def write_bytes(uri: str, content: bytes | pa.Buffer) -> None:
    """Write a file so that no reader ever sees a part of it.

    On a disk the content goes under a hidden name first and is then renamed; elsewhere it is one upload,
    which object stores make visible when it is complete (pyarrow makes several requests of it).
    """
    filesystem, path = open_filesystem(uri)
    try:
        if isinstance(filesystem, fs.LocalFileSystem):
            _write_and_rename(filesystem, path, content)
        else:
            persistently(partial(_upload, filesystem, path, content))
    except OSError as error:
        raise NotWrittenError(
            f"Cannot write '{uri}': {one_line(error)}.",
            refused(error, "s3:PutObject") or _how_to_write(error),
        ) from error


def _how_to_write(error: OSError) -> str:
    """Return what makes a failed write to a disk work."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EROFS, errno.ENAMETOOLONG):
        return f"Choose {another_output()}: this folder cannot be created."
    return "Free disk space or correct the permission, then repeat the command with --resume."


def delete(uri: str) -> None:
    """Delete a file if it exists."""
    filesystem, path = open_filesystem(uri)
    try:
        if filesystem.get_file_info(path).type == fs.FileType.File:
            filesystem.delete_file(path)
    except OSError as error:
        raise unreachable(f"Cannot delete '{uri}'", error) from error


def missing_folders(uri: str) -> list[str]:
    """Return the folders that writing a file into a folder will create, innermost first; none in an object store."""
    filesystem, path = open_filesystem(uri)
    if not isinstance(filesystem, fs.LocalFileSystem):
        return []
    return list(map(str, takewhile(lambda folder: not folder.exists(), (Path(path), *Path(path).parents))))


def remove_empty_folder(uri: str) -> None:
    """Remove a folder of this machine if it is empty; object stores have no folders to remove."""
    filesystem, path = open_filesystem(uri)
    if isinstance(filesystem, fs.LocalFileSystem) and Path(path).is_dir() and not any(Path(path).iterdir()):
        Path(path).rmdir()


def _upload(filesystem: fs.FileSystem, path: str, content: bytes | pa.Buffer) -> None:
    with filesystem.open_output_stream(path) as stream:
        stream.write(content)


def _write_and_rename(filesystem: fs.LocalFileSystem, path: str, content: bytes | pa.Buffer) -> None:
    folder, _, name = path.rpartition("/")
    filesystem.create_dir(folder, recursive=True)
    # Two writers of one file use two names, in any process of any machine that shares the disk.
    temporary = f"{folder}/.{name}.{secrets.token_hex(8)}"
    try:
        with filesystem.open_output_stream(temporary) as stream:
            stream.write(content)
        # A machine that loses its power must not leave a file with its name and without its content.
        with Path(temporary).open("rb") as written:
            os.fsync(written.fileno())
        filesystem.move(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _walk(root: Path, skipped: Skipped | None) -> Iterator[FileFound]:
    """Yield the files below a folder of this machine; each real folder is walked once, however it is linked.

    Hidden folders are not entered. One that cannot be read raises OSError, or is left out if ``skipped`` notes it.
    """
    seen = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop(0)
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        links: list[Path] = []
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except PermissionError:
            if skipped is None or folder == root:
                raise
            skipped.unreadable.append(str(folder.relative_to(root)))
            continue
        if skipped is not None and folder != root:
            skipped.folders.append(str(folder.relative_to(root)))
        for entry in entries:
            path = Path(entry.path)
            if _is_folder(entry):
                if is_hidden(entry.name):
                    if skipped is not None and entry.name in SYSTEM_FOLDERS:
                        skipped.system.append(str(path.relative_to(root)))
                    continue
                # Links last: a folder that is also reached without one keeps its own path.
                (links if entry.is_symlink() else waiting).append(path)
            else:
                yield _local_file(entry, str(path.relative_to(root)))
        waiting += links


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads back to itself


def _local_file(entry: "os.DirEntry[str]", inside: str) -> FileFound:
    readable = os.fsencode(inside).decode("utf-8", "backslashreplace")
    try:
        status = entry.stat()
    except OSError:
        return FileFound(readable, 0, "a link that leads nowhere")
    if not stat.S_ISREG(status.st_mode):
        return FileFound(readable, 0, "not a file")
    problem = "" if readable == inside else "its name is not UTF-8"
    return FileFound(readable, status.st_size, problem, status.st_mtime_ns)


def _list_objects(filesystem: fs.FileSystem, path: str) -> Iterator[FileFound]:
    """Yield every object below a prefix."""
    try:
        found = _list_together(filesystem, path)
    except OSError:
        # One that cannot answer so many at a time is asked one thing after the other.
        found = persistently(partial(_list_below, filesystem, path))
    for info in found:
        inside = info.path.removeprefix(f"{path}/")
        # pyarrow opens no key with an empty part in it, but a shorter one in its place.
        problem = "its key has an empty part" if "//" in inside or inside.startswith("/") else ""
        yield FileFound(inside, info.size or 0, problem, info.mtime_ns or 0)


def _list_together(filesystem: fs.FileSystem, path: str) -> list[fs.FileInfo]:
    """Return every object below a prefix, with several requests at a time.

    A store names a thousand objects at a time, and each time only after the one before: so the folders of the first
    level that has enough of them are listed at the same time.
    """
    folders, found = [path], []
    with ThreadPoolExecutor(FOLDERS_AT_A_TIME) as pool:
        while 0 < len(folders) < FOLDERS_AT_A_TIME:
            levels = list(pool.map(partial(_level, filesystem), folders))
            if None in levels:
                break
            entries = [info for level in levels for info in level or ()]
            found += [info for info in entries if info.type != fs.FileType.Directory]
            folders = [info.path for info in entries if info.type == fs.FileType.Directory]
        for below in pool.map(partial(_list_below, filesystem), folders):
            found += below
    return found


def _list_below(filesystem: fs.FileSystem, folder: str) -> list[fs.FileInfo]:
    """Return every object below a prefix, asked for a thousand at a time."""
    infos = filesystem.get_file_info(fs.FileSelector(folder, recursive=True))
    return [info for info in infos if info.type != fs.FileType.Directory]


def _level(filesystem: fs.FileSystem, folder: str) -> list[fs.FileInfo] | None:
    """Return what lies in a folder itself; None if some of it can only be listed together with all that is below."""
    infos: list[fs.FileInfo] = filesystem.get_file_info(fs.FileSelector(folder))
    # Of a key with an empty part pyarrow makes the folder that it is asked for.
    return None if any(info.path == folder for info in infos) else infos


def _system_folder(inside: str) -> str:
    """Return the path of the outermost system folder around a file; empty if there is none."""
    parts = PurePosixPath(inside).parts
    places = [number for number, part in enumerate(parts[:-1]) if part in SYSTEM_FOLDERS]
    return "/".join(parts[: places[0] + 1]) if places else ""


def _has_file(filesystem: fs.FileSystem, path: str) -> bool:
    infos = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    return any(info.type == fs.FileType.File and not is_hidden(info.base_name) for info in infos)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's folder for exported backbones, as the XDG base directory specification has it."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "orchard" / "backbones"
