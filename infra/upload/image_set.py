"""Upload many small files to a set in S3: in parallel, and only what is missing or has changed."""

import shlex
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, Queue, SimpleQueue

from infra import invocation
from infra.aws import CONNECTIONS, Aws, explained, folders, require_name
from infra.errors import MixedSetError, UploadGivenUpError, WrongUseError
from infra.upload.photo_folder import ToSend, sort_key
from infra.upload.uploader import Outcome, StoredObject, Uploader
from job import run_names
from job.images import is_photo
from job.storage import is_archive, split_s3
from job.storage.shards import is_shard

THREADS = CONNECTIONS
"""Files that are sent at the same time; docs/decisions/0031 has the measurements."""

SECONDS_FOR_LAST_FILES = 5.0
"""How long a stopped upload waits for files that are being sent."""


_Pair = tuple[ToSend, StoredObject | None]
"""A file, and the object of the same name, if there is one."""

_FOLDER = "images"
"""Folder of the sets in the data bucket."""

_SETS_AT_A_TIME = 8


@dataclass
class Result:
    """The result of an upload."""

    sent: int = 0
    sent_bytes: int = 0
    already: int = 0  # files that the set already had, unchanged
    extra: int = 0  # objects of the set that are not in the folder
    failures: list[str] = field(default_factory=list)


def set_prefix(name: str, folder: str = "PATH") -> str:
    """Return the prefix of a set's keys, with "/" at its end; ``folder`` is what the user uploads, for the hint."""
    upload = invocation.orchard(f"upload {shlex.quote(folder)} {run_names.nearest(name, 'photos')}")
    require_name(name, "The set", f"Choose another name: {upload}")
    return f"{_FOLDER}/{name}/"


def set_uri(bucket: str, text: str) -> str:
    """Return the URI of an uploaded set, or of a folder in one: "fruits/Apple Red 1"; a URI in S3 is returned."""
    if split_s3(text)[0]:
        return text
    # A shell completes a folder's name with a slash.
    path = text.rstrip("/")
    name, *inside = path.split("/")
    # Labels may have spaces and more in their names.
    for part in (name, *(folder for folder in inside if folder in ("", ".", ".."))):
        require_name(part, "SET", "Use an uploaded set, or a folder in one: --images fruits/Training")
    return f"s3://{bucket}/{_FOLDER}/{path}"


@dataclass(frozen=True)
class SetFound:
    """An uploaded set, or a folder that holds files of another kind."""

    name: str
    photos: int  # single ones
    archives: int
    bytes: int  # of both
    changed: datetime


def set_names(aws: Aws, bucket: str) -> list[str]:
    """Return the names of the uploaded sets, sorted."""
    with explained(f"list the sets in s3://{bucket}"):
        return folders(aws, bucket, f"{_FOLDER}/")


def uploaded_sets(aws: Aws, bucket: str) -> list[SetFound]:
    """Return the uploaded sets with their photos, sorted by name; this lists every object of each."""
    names = set_names(aws, bucket)
    with ThreadPoolExecutor(_SETS_AT_A_TIME) as pool:
        return list(pool.map(lambda name: _look_at_set(aws, bucket, name), names))


def _look_at_set(aws: Aws, bucket: str, name: str) -> SetFound:
    prefix = f"{_FOLDER}/{name}/"
    with explained(f"list s3://{bucket}/{prefix}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        objects = [entry for page in pages for entry in page.get("Contents", ())]
    photos = [entry["Size"] for entry in objects if is_photo(entry["Key"])]
    archives = [entry["Size"] for entry in objects if is_archive(entry["Key"])]
    changed = max(entry["LastModified"] for entry in objects)
    return SetFound(name, len(photos), len(archives), sum(photos) + sum(archives), changed)


def require_shards_only(stored: Iterable[StoredObject], name: str, folder: str) -> list[str]:
    """Return the shards of a set as paths inside it; raise MixedSetError if the set has other photos or archives."""
    found = []
    for each in stored:
        if is_shard(each.inside):
            found.append(each.inside)
        elif is_photo(each.inside) or is_archive(each.inside):
            upload = invocation.orchard(f"upload {shlex.quote(folder)} {name}-shards --shards")
            raise MixedSetError(
                f"The set '{name}' must have either shards or single photos, and has '{each.inside}'.",
                f"Choose another name: {upload}",
            )
    return found


def require_no_shards(uploader: Uploader, name: str, folder: str) -> None:
    """Raise MixedSetError if a set has shards: single photos would be used next to them."""
    if uploader.has_shards():
        upload = invocation.orchard(f"upload {shlex.quote(folder)} {name} --shards")
        raise MixedSetError(
            f"The set '{name}' must have either shards or single photos, and has shards.",
            f"Replace them: {upload}",
        )


def require_none_left_over(aws: Aws, uri: str, shards: Sequence[str]) -> None:
    """Raise MixedSetError if a set, whose URI ends with "/", has shards of an earlier upload, given as paths inside."""
    if shards:
        one = aws.typed(f"s3 rm {uri}{shards[0]}")
        included = " ".join(f"--include {shard}" for shard in shards)
        many = aws.typed(f"s3 rm {uri} --recursive --exclude '*' {included}")
        raise MixedSetError(
            f"{uri} must have the shards of one upload, and has {len(shards):,} left over from an earlier one.",
            f"Delete them: {one if len(shards) == 1 else many}",
        )


def upload(
    uploader: Uploader, files: Iterable[ToSend], watch: Callable[[Outcome], None], threads: int | None = None
) -> Result:
    """Send the files of a folder that a set in the bucket lacks; keep objects that the folder lacks.

    Parameters
    ----------
    files
        Sorted by ``sort_key``.
    watch
        Called in this thread for every file done.
    threads
        Files that are sent at the same time; None for ``THREADS``.

    Raises
    ------
    WrongUseError
        If AWS refuses a file: it would refuse all.
    """
    result, failed_in_a_row, threads = Result(), 0, threads or THREADS
    working = _Threads(uploader, threads)
    try:
        for outcome in working.work(_pairs(files, uploader.stored(), result)):
            if outcome.failure is None:
                failed_in_a_row = 0
                result.sent += outcome.sent
                result.already += not outcome.sent
                result.sent_bytes += outcome.file.size if outcome.sent else 0
            else:
                result.failures.append(outcome.failure.message)
                failed_in_a_row += outcome.at_aws
                if outcome.at_aws and isinstance(outcome.failure, WrongUseError):
                    raise outcome.failure
                if failed_in_a_row >= threads:
                    raise UploadGivenUpError(
                        f"The upload was stopped after {failed_in_a_row} failures in a row. {outcome.failure.message}",
                        outcome.failure.hint,
                    )
            watch(outcome)
    finally:
        working.stop()
    return result


def _pairs(files: Iterable[ToSend], stored: Iterable[StoredObject], result: Result) -> Iterator[_Pair]:
    """Yield every file with the object of the same name; count objects without a file.

    Both are in the same order, so that neither is held in memory as a whole.
    """
    others = iter(stored)
    other = next(others, None)
    for file in files:
        while other is not None and sort_key(other.inside) < sort_key(file.inside):
            result.extra += 1
            other = next(others, None)
        if other is not None and other.inside == file.inside:
            yield file, other
            other = next(others, None)
        else:
            yield file, None
    while other is not None:
        result.extra += 1
        other = next(others, None)


class _Threads:
    """The threads that upload, fed through a short queue so that the list of files is never in memory."""

    def __init__(self, uploader: Uploader, count: int) -> None:
        self._uploader = uploader
        self._waiting: Queue[_Pair | None] = Queue(2 * count)
        self._done: SimpleQueue[Outcome] = SimpleQueue()
        self._stopped = threading.Event()
        # Daemons, so that Ctrl-C does not wait for an answer from S3.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def work(self, pairs: Iterable[_Pair]) -> Iterator[Outcome]:
        """Yield the outcome of each file once it is known."""
        given = taken = 0
        for pair in pairs:
            self._waiting.put(pair)
            given += 1
            while not self._done.empty():
                yield self._done.get()
                taken += 1
        while taken < given:
            yield self._done.get()
            taken += 1

    def stop(self) -> None:
        """End the threads after the files that are being sent; waiting files are not sent."""
        self._stopped.set()
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()
        for _ in self._threads:
            self._waiting.put(None)
        deadline = time.monotonic() + SECONDS_FOR_LAST_FILES
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while (pair := self._waiting.get()) is not None and not self._stopped.is_set():
            self._done.put(self._uploader.upload(*pair))
