"""What a command of ``orchard`` is, and what it works with."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from infra.deploy import cdk
from infra.deploy.aws import Aws
from job.plain_text import printable


@dataclass(frozen=True)
class Surroundings:
    """What a command works with; a test replaces each.

    Parameters
    ----------
    aws
        The account and region.
    terminal
        Where the command speaks.
    keyboard
        Where answers are read from.
    clock
        Seconds since 1970, UTC.
    sleep
        Waits for seconds.
    call
        Runs another program, which speaks to the person itself; returns its exit code.
    """

    aws: Aws
    terminal: TextIO = field(default_factory=lambda: sys.stdout)
    keyboard: TextIO = field(default_factory=lambda: sys.stdin)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    call: Callable[[Sequence[str]], int] = cdk.call

    def say(self, line: str = "") -> None:
        """Print one line at once."""
        self.terminal.write(printable(line) + "\n")
        self.terminal.flush()


@dataclass(frozen=True)
class Command:
    """One command of ``orchard``.

    Parameters
    ----------
    name
        The word that is typed.
    summary
        One line for the list of commands.
    example
        One real command line.
    add_arguments
        Adds the command's own arguments to its parser.
    execute
        Does it; returns the exit code. Failures are raised as ``OrchardError``.
    takes_job_arguments
        Whether arguments that are not its own are the job's.
    """

    name: str
    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace, Surroundings], int]
    takes_job_arguments: bool = False
