"""The process that Spark forks its Python workers from on one machine, with what they need loaded once.

Spark's own daemon imports PySpark from an archive of sources, which it compiles at each start. Each of its workers
loads the job for itself, and reads the directory of every archive on the path, even Spark's largest jar, before each
task.

python -m job.spark.worker_daemon
"""

import gc
import importlib.util
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from job.spark import own_process

MODULE = "ORCHARD_WORKER_MODULE"
"""Environment variable: the module that workers start with, if any."""


def leave_archives_out() -> None:
    """Import PySpark from its installation, compiled; do nothing if it is only in Spark's archives."""
    everything = list(sys.path)
    archives = tuple(path for path in everything if Path(path).is_file())
    sys.path[:] = [path for path in everything if path not in archives]
    if any(importlib.util.find_spec(package) is None for package in ("pyspark", "py4j")):
        sys.path[:] = everything
        return
    for path in list(sys.path_importer_cache):
        if path.startswith(archives):
            del sys.path_importer_cache[path]


def acknowledging(task: Callable[[socket.socket, bool], int]) -> Callable[[socket.socket, bool], int]:
    """Return Spark's function for one task, run on a socket that acknowledges what comes at once.

    Java sends a task in several small pieces, and waits for the acknowledgement of one before it sends the next. The
    system holds an acknowledgement back for 40 ms, in case an answer can carry it: longer than many tasks last.
    """

    def run(connection: socket.socket, authenticated: bool) -> int:
        # Linux forgets it with the next answer; other systems do not have it.
        if hasattr(socket, "TCP_QUICKACK"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return task(connection, authenticated)

    return run


def main() -> None:
    """Fork workers for as long as Spark asks for some."""
    # All that is loaded here stays loaded: neither this process nor its workers look for garbage among it.
    gc.disable()
    leave_archives_out()
    own_process.begin()
    if module := os.environ.get(MODULE):
        importlib.import_module(module)
    daemon: Any = importlib.import_module("pyspark.daemon")
    daemon.worker = acknowledging(daemon.worker)
    gc.freeze()
    gc.enable()
    daemon.manager()


if __name__ == "__main__":
    main()
