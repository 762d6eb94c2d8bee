# PYTHON_ARGCOMPLETE_OK
"""``orchard``: finds the command, runs it, and turns every failure into two lines and an exit code."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import argcomplete

from infra import versions
from infra.aws import cdk
from infra.aws.client import Aws, as_orchard_error
from infra.commands import classify, cost, demo, destroy, evaluator, local, logs, notebook, results, run, status, ui, up
from infra.commands.command import Command
from infra.commands.export import EXPORT
from infra.commands.upload import UPLOAD
from infra.context import Context
from infra.errors import (
    InterruptedCommandError,
    WrongUseError,
)
from infra.follow_up import Given
from infra.pricing import cache
from job.errors import OrchardError
from job.errors.console import tell

COMMANDS: Sequence[Command] = (
    *(cost.COMMAND, EXPORT, UPLOAD, up.UP, up.SCALE, run.COMMAND),
    *(status.STATUS, status.CANCEL, logs.COMMAND, ui.COMMAND, results.COMMAND, classify.COMMAND, notebook.COMMAND),
    *(evaluator.COMMAND, destroy.COMMAND, local.COMMAND, demo.COMMAND),
)
"""In the order in which a person needs them."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are like all others: what, and what to do."""

    def error(self, message: str) -> NoReturn:
        raise WrongUseError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help whose first line shows what must be given; the options are listed below it, each once.

    An example is there to be copied, and argparse would break it at hyphens; hence the raw description.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        """Show what must be given, and that there are options."""
        del groups
        options = argparse.Action([], "options", nargs="?", metavar="options")
        needed = [action for action in actions if action.required or not action.option_strings]
        super().add_usage(usage, [options, *needed], [], prefix)


def main(words: Sequence[str] | None = None, context: Context | None = None) -> int:
    """Run one command; return its exit code.

    Parameters
    ----------
    words
        The command line; None for this process's own.
    context
        What the command works with; None for the real account, terminal and clock.
    """
    words = sys.argv[1:] if words is None else words
    repeated = Given()
    try:
        given = parse(words)
        command: Command | None = given.command
        if command is None:
            parser().print_help()
            return 0
        repeated = Given(given.profile, given.region)
        return command.execute(given, replace(context or _real_surroundings(given), given=repeated))
    except OrchardError as error:
        return _tell(error, words, repeated)
    except KeyboardInterrupt:
        return _tell(InterruptedCommandError("Interrupted.", "Type the same command again to go on."), words, repeated)
    except Exception as error:  # noqa: BLE001 - a person is never shown a trace that was not asked for
        return _tell(as_orchard_error(error, "go on"), words, repeated)


def _tell(failure: OrchardError | OrchardError, words: Sequence[str], repeated: Given) -> int:
    failure.hint = repeated.repeated_in(failure.hint)
    return tell(failure, words)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command line; those that are the job's stand in ``job_arguments``.

    Raises
    ------
    WrongUseError
        If an argument is missing, wrong or unknown.
    """
    made = parser()
    # Does nothing unless a shell asks for the words that may come next.
    argcomplete.autocomplete(made)
    given, others = made.parse_known_args(words)
    command: Command | None = given.command
    if others and not (command is not None and command.takes_job_arguments):
        raise WrongUseError(f"Unrecognized arguments: {' '.join(others)}.", "See orchard --help")
    given.job_arguments = others
    return given


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    common = _Parser(add_help=False)
    common.add_argument("--region", help="where the stacks are (default: the region of cdk.json)")
    common.add_argument("--profile", help="named profile of the AWS configuration")
    common.add_argument("--debug", action="store_true", help="show the whole trace of a failure")
    made = _Parser(
        prog="orchard",
        description="From a folder of images to features, components and a classifier.",
        epilog="orchard COMMAND --help shows a command's arguments and an example.",
        formatter_class=_Help,
    )
    made.add_argument("--version", action="version", version=versions.in_one_line(), help="own version, and EMR's")
    made.set_defaults(command=None)
    commands = made.add_subparsers(title="commands", metavar="COMMAND", prog="orchard")
    for command in COMMANDS:
        one = commands.add_parser(
            command.name,
            parents=[common],
            help=command.summary,
            description=command.summary,
            epilog=f"Example: {command.example}",
            formatter_class=_Help,
            allow_abbrev=False,
        )
        one.set_defaults(command=command)
        command.add_arguments(one)
    return made


def default_region(environment: Mapping[str, str], cdk_json: Path = cdk.CDK_JSON) -> str:
    """Return the region that the stacks are declared for: cdk.json's, else the environment's.

    Raises
    ------
    WrongUseError
        If none is named anywhere.
    """
    declared = json.loads(cdk_json.read_text())["context"].get("region") if cdk_json.is_file() else None
    region = declared or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise WrongUseError("No AWS region is named.", "Name one: --region eu-west-1")
    return str(region)


def _real_surroundings(given: argparse.Namespace) -> Context:
    aws = Aws(given.region or default_region(os.environ), given.profile)
    return Context(aws, price_cache=cache.folder(os.environ))


if __name__ == "__main__":
    sys.exit(main())
