"""Starts a command of a node in a new session, and ends it with every process that it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LAUNCHER = Path(__file__).with_name("launcher.py")
GRACE_SECONDS = 10.0
"""How long a command may take to end after SIGTERM."""


@dataclass(frozen=True)
class Order:
    """A command to run in ``folder``; its output is appended to the files ``stdout`` and ``stderr`` there."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


class Process(Protocol):
    """A command that runs."""

    def wait(self) -> int:
        """Return its exit code once it has ended."""

    def interrupt(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it and everything it started."""


class ChildProcess:
    """A command that runs below a launcher, see ``launcher.py``."""

    def __init__(self, order: Order) -> None:
        with (order.folder / "stdout").open("ab") as output, (order.folder / "stderr").open("ab") as errors:
            self._process = subprocess.Popen(
                # Isolated and without site packages: the node's environment is for the command only.
                [sys.executable, "-I", "-S", str(LAUNCHER), *order.command],
                cwd=order.folder,
                env=dict(order.environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )

    def wait(self) -> int:
        """Return the command's exit code once it has ended, as a shell does."""
        code = self._process.wait()
        self.kill()
        return 128 - code if code < 0 else code

    def interrupt(self) -> None:
        """Ask the command and what it started to end."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the command and everything it started: the launcher does when its input ends."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
