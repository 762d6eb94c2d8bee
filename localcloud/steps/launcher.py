"""Runs one command for as long as its parent lives: the end of standard input ends the command.

    python launcher.py COMMAND...

Only the cloud holds the other end of that pipe: when the cloud ends, even by kill -9, the pipe ends with it. All
processes that the command started end too, also those that moved to another process group, like Spark's Python workers:
they stay in the session that the cloud created for this launcher. Uses the standard library only, and imports nothing
of the project, so that it starts in a few hundredths of a second.
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
    """Run a command; return its exit code as a shell does."""
    # SIGTERM and SIGINT reach the whole group: the command handles them, and this process waits for it.
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
        end.join()  # a shell whose child was killed first may exit with 0; the command still failed
    end_others()
    return 128 - code if code < 0 else code


def end_with_parent(ending: threading.Event) -> None:
    """Wait for the end of standard input, set ``ending``, then kill everything, this process included."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    ending.set()
    end_others()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def end_others() -> None:
    """Kill every other process of this session, and those that they started meanwhile."""
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
