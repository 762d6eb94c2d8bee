"""The parser of ``orchard``: its commands in groups, and the options that all of them have."""

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import argcomplete

from infra import versions
from infra.aws import Aws, cdk
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
    quality,
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
from infra.errors import WrongUseError
from infra.pricing import cache
from job.options import Parser

GROUPS: Mapping[str, Sequence[Command]] = {
    "Train and predict, on this machine or on the cluster:": (
        *(run.RUN, run.PREDICT, results.COMMAND, quality.COMMAND, report.COMMAND, classify.COMMAND, export.COMMAND),
    ),
    "On AWS:": (
        *(doctor.COMMAND, cost.COMMAND, upload.COMMAND, up.UP, up.SCALE, status.STATUS, status.CANCEL, logs.COMMAND),
        *(ui.COMMAND, notebook.COMMAND, evaluator.COMMAND, destroy.COMMAND, support_bundle.COMMAND),
    ),
    "Without an AWS account:": (demo.COMMAND, local.COMMAND),
}
"""The commands by the heading of their group, in the order in which a user needs them."""

COMMANDS: Sequence[Command] = tuple(chain.from_iterable(GROUPS.values()))


class _Parser(Parser):
    usage_error = WrongUseError


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help whose usage shows only required arguments; the raw description keeps examples in one piece."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

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


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command line, with the command as ``command``."""
    made = parser()
    # Does nothing unless a shell asks for completions.
    argcomplete.autocomplete(made)
    given = made.parse_args(argv)
    if given.command is not None and given.region is not None:
        cost.require_region("--region", given.region)
    return given


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = _Parser(
        prog="orchard",
        usage="orchard COMMAND [options]",
        description=_overview(),
        epilog="orchard COMMAND --help shows the options of a command and an example.",
        formatter_class=_Help,
    )
    made.add_argument("--version", action="version", version=versions.in_one_line(), help="show versions and exit")
    made.set_defaults(command=None)
    commands = made.add_subparsers(metavar="COMMAND", prog="orchard", help=argparse.SUPPRESS)
    for command in COMMANDS:
        one = commands.add_parser(
            command.name,
            description=command.description,
            epilog=f"Example: {command.example}",
            formatter_class=_Help,
            allow_abbrev=False,
        )
        one.example = command.example
        one.set_defaults(command=command)
        command.add_arguments(one)
        general = one.add_argument_group("general options")
        general.add_argument("--region", help="AWS region (default: region in cdk.json)")
        general.add_argument("--profile", help="profile of the AWS configuration")
        general.add_argument("--debug", action="store_true", help="print the traceback of a failure")
    return made


def context_of(given: argparse.Namespace) -> Context:
    """Return the context of a command that a user typed."""

    def connect() -> Aws:
        return Aws(given.region or default_region(os.environ), given.profile)

    return Context(connect, price_cache=cache.folder(os.environ))


def default_region(environment: Mapping[str, str], cdk_json: Path = cdk.CDK_JSON) -> str:
    """Return the region of the stacks: that of cdk.json, else the environment's."""
    declared = json.loads(cdk_json.read_text())["context"].get("region") if cdk_json.is_file() else None
    region = declared or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise WrongUseError("An AWS region is required.", "Choose one: --region eu-west-1")
    return str(region)


def _overview() -> str:
    """Return what orchard does, and its commands in groups."""
    lines = ["Turn a folder of photos into CNN features, PCA components and a trained classifier."]
    for heading, commands in GROUPS.items():
        lines += ["", heading, *(f"  {command.name:<16}{command.summary}" for command in commands)]
    return "\n".join(lines)
