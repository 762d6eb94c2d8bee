"""Upload many small files to a set in S3: in parallel, and only what is missing or has changed."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue, SimpleQueue

from infra import invocation
from infra.aws import CONNECTIONS, nearest_name, require_name
from infra.errors import UploadGivenUpError, WrongUseError
from infra.upload.photo_folder import LocalFile, sort_key
from infra.upload.uploader import Outcome, StoredObject, Uploader
from job.storage import split_s3

THREADS = CONNECTIONS
"""Files on their way at the same time; docs/decisions/0031 has what was measured."""

SECONDS_FOR_LAST_FILES = 5.0
"""How long an upload that is stopped waits for the files on their way."""


_Pair = tuple[LocalFile, StoredObject | None]
"""A file, and the object of the same name."""

_FOLDER = "images"
"""Of the data bucket, where the sets are."""


@dataclass
class Result:
    """What an upload did."""

    sent: int = 0
    sent_bytes: int = 0
    already: int = 0  # how many files were there, the same
    extra: int = 0  # how many objects of the set are not in the folder
    failures: list[str] = field(default_factory=list)


def set_prefix(name: str) -> str:
    """Return the prefix of a set's keys, with "/" at its end."""
    upload = invocation.orchard(f"upload PATH {nearest_name(name, 'photos')}")
    require_name(name, "The set", f"Name it: {upload}")
    return f"{_FOLDER}/{name}/"


def set_uri(bucket: str, text: str) -> str:
    """Return the URI of an uploaded set, or of a folder in one: "fruits/Apple Red 1"; a URI in S3 is returned."""
    if split_s3(text)[0]:
        return text
    name, *folders = text.split("/")
    # Labels may have spaces and more in their names.
    for part in (name, *(folder for folder in folders if folder in ("", ".", ".."))):
        require_name(part, "SET", "Name an uploaded set, or a folder in one: --images fruits/Training")
    return f"s3://{bucket}/{_FOLDER}/{text}"


def upload(uploader: Uploader, files: Iterable[LocalFile], watch: Callable[[Outcome], None]) -> Result:
    """Make a set in the bucket hold what a folder holds; objects that the folder lacks stay.

    Parameters
    ----------
    files
        Sorted by ``sort_key``.
    watch
        Called in this thread for every file that is done.

    Raises
    ------
    WrongUseError
        If AWS refuses: what is wrong for one file is wrong for all.
    """
    result, failed_in_a_row = Result(), 0
    threads = _Threads(uploader)
    try:
        for outcome in threads.work(_pairs(files, uploader.stored(), result)):
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
                if failed_in_a_row >= THREADS:
                    raise UploadGivenUpError(
                        f"The upload was given up after {failed_in_a_row} failures in a row. {outcome.failure.message}",
                        outcome.failure.hint,
                    )
            watch(outcome)
    finally:
        threads.stop()
    return result


def _pairs(files: Iterable[LocalFile], stored: Iterable[StoredObject], result: Result) -> Iterator[_Pair]:
    """Yield every file with the object of the same name; count objects without a file.

    Both come in the same order, so that neither is ever held whole.
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
    """The threads that upload, fed through a short queue so that no list of files is ever held."""

    def __init__(self, uploader: Uploader) -> None:
        self._uploader = uploader
        self._waiting: Queue[_Pair | None] = Queue(2 * THREADS)
        self._done: SimpleQueue[Outcome] = SimpleQueue()
        self._stopped = threading.Event()
        # Daemons, so that Ctrl-C does not wait for a thread that waits for an answer.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def work(self, pairs: Iterable[_Pair]) -> Iterator[Outcome]:
        """Yield the outcome of each file when it is done."""
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
        """End the threads after the files on their way; what waits is not sent."""
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
