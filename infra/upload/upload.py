"""Sends many small files to S3: in parallel, only what is missing or changed, and again what failed."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue, SimpleQueue

from infra.aws.client import CONNECTIONS
from infra.errors import UploadGivenUpError, WrongUseError
from infra.upload.photo_folder import LocalFile, sort_key
from infra.upload.uploader import Kept, Outcome, Sender

THREADS = CONNECTIONS
"""Files on their way at the same time; docs/decisions/0031 has what was measured."""

SECONDS_FOR_LAST_FILES = 5.0
"""How long an upload that is stopped waits for the files on their way."""


@dataclass
class Result:
    """What an upload did.

    Parameters
    ----------
    sent, sent_bytes
        What was sent.
    already
        How many files were there, the same.
    extra
        How many objects of the set are not in the folder.
    failures
        Why files were not sent, a sentence each.
    """

    sent: int = 0
    sent_bytes: int = 0
    already: int = 0
    extra: int = 0
    failures: list[str] = field(default_factory=list)


def upload(sender: Sender, files: Iterable[LocalFile], watch: Callable[[Outcome], None]) -> Result:
    """Make a set in the bucket hold what a folder holds; objects that the folder lacks stay.

    Parameters
    ----------
    sender
        Lists the set, compares and sends.
    files
        Sorted by ``sort_key``.
    watch
        Called in this thread for every file that is done.

    Raises
    ------
    WrongUseError
        If AWS refuses: what is wrong for one file is wrong for all.
    TryAgainError
        If AWS cannot be reached any more.
    """
    result, failed_in_a_row = Result(), 0
    crew = _Crew(sender)
    try:
        for outcome in crew.work(_pairs(files, sender.kept(), result)):
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
        crew.stop()
    return result


def _pairs(files: Iterable[LocalFile], kept: Iterable[Kept], result: Result) -> Iterator[tuple[LocalFile, Kept | None]]:
    """Yield every file with the object of the same name; count objects without a file.

    Both come in the same order, so that neither is ever held whole.
    """
    others = iter(kept)
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


class _Crew:
    """The threads that send, fed through a short queue so that no list of files is ever held."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._waiting: Queue[tuple[LocalFile, Kept | None] | None] = Queue(2 * THREADS)
        self._done: SimpleQueue[Outcome] = SimpleQueue()
        self._stopped = threading.Event()
        # Daemons: one that waits for an answer does not keep a person who typed Ctrl-C waiting.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def work(self, pairs: Iterable[tuple[LocalFile, Kept | None]]) -> Iterator[Outcome]:
        """Yield what became of each file, as soon as it is known."""
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
            self._done.put(self._sender.bring(*pair))
