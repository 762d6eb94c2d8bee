"""Make tasks cheap for Spark's Python workers, and end workers that hang.

Before a task a worker drops the caches of the import system, which then reads the directory of every zip archive on
the path again: Spark's own once for each of its packages, and this package's. After a task it collects garbage among
the objects of all loaded modules. Together that was most of the cost of a small task:
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
"""Seconds without a photo or a file done after which a task's process is ended: several times the limit of a read."""


@lru_cache(maxsize=1)
def settle() -> None:
    """Make the next tasks of this process cheap; call it in a task that has loaded all it needs."""
    zipimporter.invalidate_caches = unless_unchanged(zipimporter.invalidate_caches)  # type: ignore[method-assign, assignment]
    # Objects that are alive now stay alive: the collector need not visit them after every task.
    gc.freeze()


@contextmanager
def ended_if_silent() -> Iterator[Callable[[], None]]:
    """End this process if its heartbeat stops while the block lasts; yield the function that is the heartbeat.

    Spark has no time limit for a task, so one that hangs would hang for ever. Spark tries the task of an ended process
    again, elsewhere if possible. The process ends even if Python itself is blocked.
    """
    last = time.monotonic()

    def heartbeat() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > min(1.0, LONGEST_SILENCE / 4):
            last = now
            _wind_up()

    _wind_up()
    try:
        yield heartbeat
    finally:
        faulthandler.cancel_dump_traceback_later()


def _wind_up() -> None:
    # The traceback goes to the log of the process: 2 is standard error, even if Python has replaced sys.stderr.
    faulthandler.dump_traceback_later(LONGEST_SILENCE, exit=True, file=2)


def unless_unchanged(invalidate: Callable[[zipimporter], None]) -> Callable[[zipimporter], None]:
    """Return a function that calls ``invalidate`` only for archives that have changed since its last call."""
    seen: dict[str, tuple[int, int] | None] = {}

    def invalidate_changed(archive: zipimporter) -> None:
        # There is an importer for each package inside, and each caches the directory for itself.
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
