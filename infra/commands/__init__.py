"""The commands of ``orchard``: a module for each, or for a few that belong together; ``output`` has what they print.

The modules with a command are public too, for the parser: ``classify``, ``cost``, ``demo``, ``destroy``, ``doctor``,
``evaluator``, ``export``, ``local``, ``logs``, ``notebook``, ``quality``, ``report``, ``results``, ``run``,
``status``, ``support_bundle``, ``ui``, ``up``, ``upload``.
"""

import argparse
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from infra.context import Context

__all__ = ["Command", "add_settings", "give_account"]


@dataclass(frozen=True)
class Command:
    """One command of ``orchard``.

    ``execute`` returns the exit code and raises failures as ``OrchardError``.
    """

    name: str
    summary: str  # one line of ``orchard --help``
    example: str  # a command line that works
    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace, Context], int]
    details: str = ""  # sentences that ``--help`` adds to the summary

    @property
    def description(self) -> str:
        """What the command does, for its own ``--help``."""
        text = f"{self.summary[0].upper()}{self.summary[1:]}. {self.details}"
        return textwrap.fill(text, 78)


def add_settings(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option ``-c``, whose values ``infra.doctor.planned_settings`` reads; ``text`` is its help."""
    parser.add_argument("-c", dest="settings", metavar="NAME=VALUE", action="append", default=[], help=text)


def give_account(given: argparse.Namespace) -> None:
    """Put ``--profile`` and ``--region`` into the environment, by which the job reads S3 in this process."""
    variables = {"AWS_PROFILE": given.profile, "AWS_REGION": given.region}
    os.environ.update({name: value for name, value in variables.items() if value})
