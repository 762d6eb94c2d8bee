"""Spares Spark's Python workers what they would do again for every task, and ends those that hang.

Before a task a worker drops the caches of the import system, which reads the directory of every zip archive on the
path anew: Spark's own archive once for each of its packages, and this package's. After a task it collects garbage
among all the objects of all the modules that are loaded. Together that was most of what a small task cost:
docs/decisions/0081-what-a-task-costs.md has the figures.
"""

import faulthandler
import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from zipimport import zipimporter

LONGEST_SILENCE = 600.0
"""Seconds in which a task gets no photo and no file done before its process is ended: several times what the slowest
read is waited for."""


@lru_cache(maxsize=1)
def settle() -> None:
    """Make the tasks that follow in this process cheap; called in a task, after what it needs was loaded."""
    zipimporter.invalidate_caches = unless_unchanged(zipimporter.invalidate_caches)  # type: ignore[method-assign, assignment]
    # What is alive now stays alive: it need not be looked through after every task.
    gc.freeze()


@contextmanager
def ended_if_silent(longest: float | None = None) -> Iterator[Callable[[], None]]:
    """End this process if it gives no sign of life for too long while the block lasts; yield what gives one.

    Spark knows no limit of time for a task: one that hangs would hang for ever. A process that has ended it starts
    again, elsewhere if it can. It ends whatever it is caught in, even where Python itself stands still.

    Parameters
    ----------
    longest
        Seconds without a sign; None for ``LONGEST_SILENCE``.
    """
    seconds = LONGEST_SILENCE if longest is None else longest
    given = time.monotonic()

    def sign() -> None:
        nonlocal given
        now = time.monotonic()
        if now - given > min(1.0, seconds / 4):
            given = now
            _wind_up(seconds)

    _wind_up(seconds)
    try:
        yield sign
    finally:
        faulthandler.cancel_dump_traceback_later()


def _wind_up(seconds: float) -> None:
    # Where it stands then goes to the log of its process: number 2 is standard error, whatever Python has in its place.
    faulthandler.dump_traceback_later(seconds, exit=True, file=2)


def unless_unchanged(invalidate: Callable[[zipimporter], None]) -> Callable[[zipimporter], None]:
    """Return what drops the cache of an archive only if the archive is another one than when it was last asked.

    Parameters
    ----------
    invalidate
        Drops the cache in any case.
    """
    seen: dict[str, tuple[int, int] | None] = {}

    def invalidate_changed(archive: zipimporter) -> None:
        # One importer stands for each package inside, and each has its own view of the directory.
        key, now = f"{archive.archive}\0{archive.prefix}", _state(archive.archive)
        if now is None or seen.get(key) != now:
            invalidate(archive)
            seen[key] = now

    return invalidate_changed


def _state(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - run for every archive before every task
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
