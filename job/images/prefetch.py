"""Read photos ahead in threads and decode them in order; a photo that cannot be used yields its reason."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.errors import one_line, unreachable
from job.images.limits import RejectedPhotoError

Decoded = TypeVar("Decoded")

READ_AHEAD = 16
"""Photos in flight per task: hides 20 ms per open behind inference at up to 800 photos a second."""

READ_AHEAD_BYTES = 256_000_000
"""Bytes of files in flight per task; one file is always read, however large."""

UNREAD = "cannot be read: "
"""Start of the reason of a photo that cannot be read."""

LONGEST_READ = 60.0
"""Seconds that a photo may take once it is awaited: 4 MB over a slow mobile network."""

READS = 3
"""Attempts to read a photo within that time."""

UNREAD_IN_A_ROW = 3
"""After this many unread photos in a row, the storage is at fault, not the photos."""


class UnreadPhotoError(RejectedPhotoError):
    """A photo that cannot be read; it is rejected if other photos of its storage can."""


def read_ahead(
    paths: Sequence[str], read: Callable[[str], bytes] = storage.read_bytes, sizes: Sequence[int] = ()
) -> Iterator[bytes | RejectedPhotoError]:
    """Yield each photo's content in order, or why it cannot be read, while the next ones are being read.

    Parameters
    ----------
    read
        Returns the content of a URI; may raise OSError.
    sizes
        Bytes of each photo, to limit memory; empty if all are small.

    Raises
    ------
    RunFailedError
        If several photos in a row, or all of them, cannot be read.
    """
    # A read that hangs keeps its thread: others remain, and shutting down does not wait for it.
    pool = ThreadPoolExecutor(2 * READ_AHEAD, thread_name_prefix="read-ahead")
    coming = deque(zip(paths, sizes or [0] * len(paths), strict=True))
    waiting: deque[tuple[str, int, Future[bytes]]] = deque()

    def ask() -> None:
        while coming and len(waiting) < READ_AHEAD:
            path, size = coming[0]
            if waiting and size + sum(of for _, of, _ in waiting) > READ_AHEAD_BYTES:
                return
            coming.popleft()
            waiting.append((path, size, pool.submit(read, path)))

    came = in_a_row = 0
    try:
        while coming or waiting:
            ask()
            path, _, future = waiting.popleft()
            content = _outcome(path, future, partial(pool.submit, read, path))
            came += isinstance(content, bytes)
            in_a_row = in_a_row + 1 if isinstance(content, UnreadPhotoError) else 0
            if in_a_row and (in_a_row == UNREAD_IN_A_ROW or not (came or waiting or coming)):
                # The storage is at fault: the task fails, and Spark repeats it.
                raise unreachable(f"Cannot read the photo '{path}'", OSError(str(content).removeprefix(UNREAD)))
            yield content
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def photos_in_turn(
    photos: pa.Table, decode: Callable[[bytes], Decoded], seconds: dict[str, float]
) -> Iterator[Decoded | RejectedPhotoError]:
    """Yield what each photo is decoded to in order, or why it cannot be used, while the next ones are being read.

    Parameters
    ----------
    photos
        Rows of a listing.
    seconds
        Incremented by the time waiting for bytes ("read") and decoding ("decode").
    """
    sound = photos.filter(pc.equal(photos["problem"], ""))
    paths, sizes, members = (sound[name].to_pylist() for name in ("path", "size", "member"))
    packed = {path: storage.Member(**member) for path, member in zip(paths, members, strict=True) if member}
    contents = read_ahead(paths, storage.reader(packed, storage.read_bytes), sizes)
    for problem in photos["problem"].to_pylist():
        began = time.perf_counter()
        content = RejectedPhotoError(problem) if problem else next(contents)
        was_read = time.perf_counter()
        photo: Decoded | RejectedPhotoError
        try:
            photo = content if isinstance(content, RejectedPhotoError) else decode(content)
        except RejectedPhotoError as rejection:
            photo = rejection
        seconds["read"] += was_read - began
        seconds["decode"] += time.perf_counter() - was_read
        yield photo


def _outcome(path: str, future: "Future[bytes]", again: "Callable[[], Future[bytes]]") -> bytes | RejectedPhotoError:
    """Return a photo's content, or why it cannot be read; ``again`` starts another read if one hangs."""
    for _ in range(READS):
        try:
            return future.result(timeout=LONGEST_READ)
        except FileNotFoundError:
            return RejectedPhotoError("it was removed before it was read")
        except OSError as error:
            if future.done():
                kind = RejectedPhotoError if storage.is_local(path) else UnreadPhotoError
                return kind(f"{UNREAD}{one_line(error)}")
            # TimeoutError is an OSError: the read continues, but is not awaited any more.
            future = again()
    return UnreadPhotoError(f"{UNREAD}it did not arrive within {LONGEST_READ:g} s, {READS} times")
