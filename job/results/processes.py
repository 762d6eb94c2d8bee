"""Identify processes of a machine until its next restart, and say whether one of them has died."""

import hashlib
import os
from pathlib import Path

PROC = Path("/proc")


def this_process() -> str | None:
    """Return the identity of this process: machine, number and start time; None outside Linux."""
    began = _began(os.getpid())
    try:
        # A restarted machine or another container counts as another machine: process numbers start again in both.
        machine = (PROC / "sys/kernel/random/boot_id").read_text() + os.readlink(PROC / "self/ns/pid")  # noqa: PTH115
    except OSError:
        return None
    return f"{hashlib.sha256(machine.encode()).hexdigest()[:16]}/{os.getpid()}/{began}" if began else None


def has_died(process: str) -> bool:
    """Return whether the process of an identity has surely died; False for every process of another machine."""
    here = this_process()
    if here is None or process.count("/") != 2:
        return False
    machine, number, began = process.split("/")
    return machine == here.split("/")[0] and number.isdigit() and _began(int(number)) != began


def _began(number: int) -> str | None:
    """Return the start time of a process in the kernel's ticks; None if it has ended."""
    try:
        status = (PROC / str(number) / "stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in brackets, which may hold spaces and brackets.
    state, *fields = status.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
