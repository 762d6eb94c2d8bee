"""What a command of ``orchard`` is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from infra.context import Context


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
    execute: Callable[[argparse.Namespace, Context], int]
    takes_job_arguments: bool = False
