"""Spares Spark's Python workers what they would do again for every task, though nothing has changed since the last.

Before a task a worker drops the caches of the import system, which reads the directory of every zip archive on the
path anew: Spark's own archive once for each of its packages, and this package's. After a task it collects garbage
among all the objects of all the modules that are loaded. Together that was most of what a small task cost:
docs/decisions/0081-what-a-task-costs.md has the figures.
"""

import gc
import os
from collections.abc import Callable
from functools import lru_cache
from zipimport import zipimporter


@lru_cache(maxsize=1)
def settle() -> None:
    """Make the tasks that follow in this process cheap; called in a task, after what it needs was loaded."""
    zipimporter.invalidate_caches = unless_unchanged(zipimporter.invalidate_caches)  # type: ignore[method-assign, assignment]
    # What is alive now stays alive: it need not be looked through after every task.
    gc.freeze()


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
