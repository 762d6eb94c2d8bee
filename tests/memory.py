"""The most memory that this process has had at a time; Linux only."""

from pathlib import Path


def peak() -> int:
    """Return bytes of resident memory.

    ``resource.getrusage`` would start with the memory of the process that started this one: a fork has it, and Linux
    remembers that when the fork becomes another program.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
