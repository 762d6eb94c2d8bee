"""Tells processes of a machine apart, and whether one of them has died, for as long as the machine is not restarted."""

import hashlib
import os
from pathlib import Path

PROC = Path("/proc")


def this_process() -> str | None:
    """Return what tells this process from every other: its machine, its number and when it began.

    Returns
    -------
    None where the system does not tell, as outside Linux.
    """
    began = _began(os.getpid())
    try:
        # Another start of the machine is another machine, and so is another container: numbers begin anew in both.
        machine = (PROC / "sys/kernel/random/boot_id").read_text() + os.readlink(PROC / "self/ns/pid")  # noqa: PTH115
    except OSError:
        return None
    return f"{hashlib.sha256(machine.encode()).hexdigest()[:16]}/{os.getpid()}/{began}" if began else None


def has_died(process: str) -> bool:
    """Return whether a process is sure to have died; of one of another machine that is never known.

    Parameters
    ----------
    process
        As ``this_process`` returned it there.
    """
    here = this_process()
    if here is None or process.count("/") != 2:
        return False
    machine, number, began = process.split("/")
    return machine == here.split("/")[0] and number.isdigit() and _began(int(number)) != began


def _began(number: int) -> str | None:
    """Return when a process began, in the kernel's ticks; None if there is none, or only its exit code is left."""
    try:
        status = (PROC / str(number) / "stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in brackets, with whatever is in it.
    state, *fields = status.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
