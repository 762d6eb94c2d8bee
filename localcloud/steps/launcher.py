"""Runs one command for as long as whoever started it lives: the end of its standard input ends the command.

    python launcher.py COMMAND...

The cloud holds the other end of that pipe and nobody else does: when the cloud ends, even by kill -9, the pipe ends
with it. Everything the command started goes too, also what put itself into another process group, as Spark's
Python workers do; they stay in the session that the cloud made for this launcher. Standard library only, and no
import of the project: it starts in a few hundredths of a second.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

SESSION_FIELD = 3
"""In /proc/PID/stat, counted after the name, which may hold spaces: state, parent, group, session."""


def main(command: list[str]) -> int:
    """Run a command; return its exit code, as a shell tells it."""
    # A polite request to end goes to the whole group: the command answers it, and this waits for the answer.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    ending = threading.Event()
    end = threading.Thread(target=end_with_parent, args=(ending,), daemon=True)
    end.start()
    try:
        code = subprocess.Popen(command, stdin=subprocess.DEVNULL).wait()
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        code = 127
    if ending.is_set():
        end.join()  # a shell whose child was killed a moment before itself may have ended well; the command did not
    end_others()
    return 128 - code if code < 0 else code


def end_with_parent(ending: threading.Event) -> None:
    """Wait for the end of standard input, say that it has come, then end everything, this too."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    ending.set()
    end_others()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def end_others() -> None:
    """End every other process of this session, and look again for what they started meanwhile."""
    while others := session_members(os.getsid(0)) - {os.getpid()}:
        for process in others:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def session_members(session: int, processes: Path = Path("/proc")) -> set[int]:
    """Return the ids of a session's living processes; none where the system has no /proc."""
    found = set()
    for entry in processes.glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            fields = entry.read_text().rpartition(")")[2].split()
            if fields[0] != "Z" and int(fields[SESSION_FIELD]) == session:
                found.add(int(entry.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
