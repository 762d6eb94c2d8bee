"""The commands of ``orchard``: a module for each, or for a few that belong together; ``output`` has what they print.

The modules with a command are public too, for the parser: ``classify``, ``cost``, ``demo``, ``destroy``, ``doctor``,
``evaluator``, ``export``, ``local``, ``logs``, ``notebook``, ``report``, ``results``, ``run``, ``status``,
``support_bundle``, ``ui``, ``up``, ``upload``.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from infra.context import Context

__all__ = ["Command"]


@dataclass(frozen=True)
class Command:
    """One command of ``orchard``: one line of summary, one command line as an example, and what it does.

    ``execute`` returns the exit code and raises failures as ``OrchardError``.
    """

    name: str
    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace, Context], int]
