"""``orchard doctor``: check the account before anything is spent."""

import argparse

from infra import invocation
from infra.commands import Command, add_settings
from infra.context import Context
from infra.doctor import Level, examine, planned_settings
from infra.errors import AccountUnfitError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "check for this setting instead of that of cdk.json")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print one line per check; fail if a check failed."""
    settings = planned_settings(given.settings, context.aws.region)
    failed = count = 0
    for finding in examine(context.aws, settings):
        context.say(finding.line)
        count += 1
        failed += finding.level is Level.FAILURE
    if failed:
        raise AccountUnfitError(
            f"{failed} of {count} checks failed.",
            f"Fix what the lines above say, then rerun: {invocation.orchard('doctor')}",
        )
    return 0


COMMAND = Command(
    name="doctor",
    summary="check account, quotas and permissions before a deployment",
    example="orchard doctor",
    add_arguments=_add_arguments,
    execute=execute,
)
