"""Runs a command and measures the memory of all processes that it starts; Linux only."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from job.spark import worker_daemon

BETWEEN_LOOKS = 0.25
"""Seconds."""


class CommandFailedError(Exception):
    """A measured command failed; the message ends with its output."""


WORKERS = (worker_daemon.__name__, "pyspark.daemon")
"""How Spark's Python workers were started: by this program on one machine, and by Spark anywhere else."""


@dataclass(frozen=True)
class Watched:
    """The measurement of a command.

    Parameters
    ----------
    seconds
        From its start to its end.
    output
        Its standard output.
    memory
        Largest resident memory of one process, in bytes, by the process's name (python, java, ...);
        Spark's Python workers are called worker.
    """

    seconds: float
    output: str
    memory: Mapping[str, int]


def run(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> Watched:
    """Run a command to its end.

    Raises
    ------
    CommandFailedError
        If its exit code is not 0.
    """
    began = time.perf_counter()
    # In its own session, which identifies the processes that it starts.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    memory: dict[str, int] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(BETWEEN_LOOKS):
            for name, resident in resident_memory(process.pid):
                memory[name] = max(memory.get(name, 0), resident)

    watching = threading.Thread(target=look)
    watching.start()
    output, said = process.communicate()
    seconds = time.perf_counter() - began
    over.set()
    watching.join()
    if process.returncode != 0:
        raise CommandFailedError(f"{' '.join(command)} failed with exit code {process.returncode}: {said[-500:]}")
    return Watched(seconds, output, memory)


def resident_memory(ancestor: int) -> list[tuple[str, int]]:
    """Return name and resident bytes of a process and of all that it has started, directly or not."""
    parents: dict[int, int] = {}
    found: dict[int, tuple[str, int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name is in brackets, and may itself hold brackets and spaces.
            name, rest = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            command = (entry / "cmdline").read_bytes()
            if any(f"\0-m\0{module}\0".encode() in command for module in WORKERS):
                name = "worker"
        except OSError:
            continue  # it has ended in the meantime
        fields = rest.split()
        parents[int(entry.name)] = int(fields[1])
        found[int(entry.name)] = (name, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
    return [of for process, of in found.items() if ancestor in _line(process, parents)]


def _line(process: int, parents: Mapping[int, int]) -> list[int]:
    line = [process]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line
