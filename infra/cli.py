# PYTHON_ARGCOMPLETE_OK
"""``orchard``: parses the command line, executes the command, and prints every failure with an exit code."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import argcomplete

from infra import invocation, versions
from infra.aws import Aws, as_orchard_error, cdk
from infra.commands import (
    Command,
    classify,
    cost,
    demo,
    destroy,
    doctor,
    evaluator,
    export,
    local,
    logs,
    notebook,
    report,
    results,
    run,
    status,
    support_bundle,
    ui,
    up,
    upload,
)
from infra.context import Context
from infra.errors import InterruptedCommandError, WrongUseError
from infra.pricing import cache
from job.errors import OrchardError, started_as, tell
from job.options import Parser

COMMANDS: Sequence[Command] = (
    *(doctor.COMMAND, cost.COMMAND, export.COMMAND, upload.COMMAND, up.UP, up.SCALE, run.RUN, run.PREDICT),
    *(report.COMMAND, status.STATUS, status.CANCEL, logs.COMMAND, ui.COMMAND, results.COMMAND, classify.COMMAND),
    *(notebook.COMMAND, evaluator.COMMAND, destroy.COMMAND, support_bundle.COMMAND, local.COMMAND, demo.COMMAND),
)
"""In the order in which a user needs them."""


class _Parser(Parser):
    usage_error = WrongUseError


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help whose usage shows only required arguments; the raw description keeps examples in one piece."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)
        # Of the longest command: argparse counts it without the indentation.
        self._action_max_length = 18

    def _format_action(self, action: argparse.Action) -> str:
        """Leave out the line that repeats the title of the commands."""
        text = super()._format_action(action)
        return text.partition("\n")[2] if isinstance(action, argparse._SubParsersAction) else text

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        """Show what is required, and that there are options."""
        del groups
        options = argparse.Action([], "options", nargs="?", metavar="options")
        needed = [action for action in actions if action.required or not action.option_strings]
        super().add_usage(usage, [options, *needed], [], prefix)


def main(argv: Sequence[str] | None = None, context: Context | None = None) -> int:
    """Execute one command; return its exit code. None stands for this process's own command line and context."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        given = parse(argv)
    except OrchardError as error:
        return tell(error, argv)
    if given.command is None:
        parser().print_help()
        return 0
    with invocation.given(given.profile, given.region), started_as("orchard"):
        try:
            return int(given.command.execute(given, context or _context(given)))
        except OrchardError as error:
            return tell(error, argv)
        except KeyboardInterrupt:
            return tell(InterruptedCommandError("Interrupted.", "Type the same command again to go on."), argv)
        except Exception as error:  # noqa: BLE001 - a trace is only for --debug
            return tell(as_orchard_error(error, "go on"), argv)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command line, with the command as ``command``."""
    made = parser()
    # Does nothing unless a shell asks for what may come next.
    argcomplete.autocomplete(made)
    return made.parse_args(argv)


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
    """Return the region of the stacks: that of cdk.json, else the environment's."""
    declared = json.loads(cdk_json.read_text())["context"].get("region") if cdk_json.is_file() else None
    region = declared or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise WrongUseError("An AWS region is required.", "Name one: --region eu-west-1")
    return str(region)


def _context(given: argparse.Namespace) -> Context:
    def connect() -> Aws:
        return Aws(given.region or default_region(os.environ), given.profile)

    return Context(connect, price_cache=cache.folder(os.environ))


if __name__ == "__main__":
    sys.exit(main())
