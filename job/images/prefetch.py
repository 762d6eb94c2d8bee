"""Read photos ahead in threads and decode them in order; a photo that cannot be used yields its reason."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
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

READ_TOGETHER, BYTES_TOGETHER = 4, 1_000_000
"""Most local photos that a thread reads in turn: to pass one from thread to thread takes longer than to read it."""

UNREAD = "cannot be read: "
"""Start of the reason of a photo that cannot be read."""

LONGEST_READ = 60.0
"""Seconds that the photos read in turn may take once they are awaited: 4 MB over a slow mobile network."""

READS = 3
"""Attempts to read them within that time."""

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
    coming = deque(_read_together(paths, sizes or [0] * len(paths)))
    waiting: deque[tuple[_Together, Future[_Contents]]] = deque()

    def begin(group: _Together) -> tuple[_Together, Future[_Contents]]:
        return group, pool.submit(_read_each, group.paths, read)

    def ask() -> None:
        while coming and sum(len(group.paths) for group, _ in waiting) < READ_AHEAD:
            group = coming[0]
            if waiting and group.size + sum(earlier.size for earlier, _ in waiting) > READ_AHEAD_BYTES:
                return
            coming.popleft()
            waiting.append(begin(group))

    came = in_a_row = 0
    try:
        while coming or waiting:
            ask()
            group, future = waiting.popleft()
            if len(group.paths) > 1 and not wait([future], LONGEST_READ).done:
                # One of them hangs, and the others would go with it: read each by itself.
                waiting.extendleft(begin(_Together([path], 0)) for path in reversed(group.paths))
                continue
            contents = _awaited(future, partial(pool.submit, _read_each, group.paths, read))
            for number, path in enumerate(group.paths):
                content = _outcome(path, None if contents is None else contents[number])
                came += isinstance(content, bytes)
                in_a_row = in_a_row + 1 if isinstance(content, UnreadPhotoError) else 0
                last = number == len(group.paths) - 1 and not (waiting or coming)
                if in_a_row and (in_a_row == UNREAD_IN_A_ROW or (last and not came)):
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


_Contents = list[bytes | OSError]
"""Of photos read in turn: the content of each, or why it cannot be read."""


@dataclass(frozen=True)
class _Together:
    """Photos that a thread reads in turn."""

    paths: Sequence[str]
    size: int  # bytes of all


def _read_together(paths: Sequence[str], sizes: Sequence[int]) -> Iterator[_Together]:
    """Cut photos into those that a thread reads in turn: a single one elsewhere than on this machine, or if large."""
    start = 0
    for stop in range(1, len(paths) + 1):
        alone = not storage.is_local(paths[start]) or sum(sizes[start : stop + 1]) > BYTES_TOGETHER
        if alone or stop - start == READ_TOGETHER or stop == len(paths):
            yield _Together(paths[start:stop], sum(sizes[start:stop]))
            start = stop


def _read_each(paths: Sequence[str], read: Callable[[str], bytes]) -> _Contents:
    contents: _Contents = []
    for path in paths:
        try:
            contents.append(read(path))
        except OSError as error:
            contents.append(error)
    return contents


def _awaited(future: "Future[_Contents]", again: "Callable[[], Future[_Contents]]") -> _Contents | None:
    """Return what was read, or None if it did not arrive; ``again`` starts another read if one hangs."""
    for _ in range(READS):
        try:
            return future.result(timeout=LONGEST_READ)
        except TimeoutError:
            # The read continues, but is not awaited any more.
            future = again()
    return None


def _outcome(path: str, content: bytes | OSError | None) -> bytes | RejectedPhotoError:
    """Return a photo's content, or why there is none; None did not arrive."""
    if content is None:
        return UnreadPhotoError(f"{UNREAD}it did not arrive within {LONGEST_READ:g} s, {READS} times")
    if isinstance(content, bytes):
        return content
    if isinstance(content, FileNotFoundError):
        return RejectedPhotoError("it was removed before it was read")
    kind = RejectedPhotoError if storage.is_local(path) else UnreadPhotoError
    return kind(f"{UNREAD}{one_line(content)}")
