"""``orchard support-bundle``: pack what a report of a fault needs, without secrets."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from infra.commands import Command
from infra.context import Context
from infra.doctor import collect, pack
from infra.errors import NotWritableError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="new .zip file (default: orchard-support-TIME.zip in this folder)"
    )


def execute(given: argparse.Namespace, context: Context) -> int:
    """Write the archive and list its files."""
    moment = datetime.fromtimestamp(context.clock(), UTC)
    target = given.output or Path(f"orchard-support-{moment:%Y%m%d-%H%M%S}.zip")
    if target.exists():
        raise NotWritableError(
            f"--output must be a new file, got {target}, which exists.", "Name another file with --output."
        )
    # All of it before the first byte is written: an interrupt leaves no half of an archive.
    files = list(collect(context.aws))
    try:
        pack(files, target)
    except OSError as error:
        raise NotWritableError(
            f"--output must be a file in a writable folder, got {target}: {error.strerror}.",
            "Name another file with --output.",
        ) from error
    context.say(*(name for name, _ in files))
    context.say(f"Packed {len(files)} files into {target}. It is on this machine only: nothing was sent.")
    context.say("Credentials, passwords, e-mail addresses and the account id are hidden; names of photos are not.")
    return 0


COMMAND = Command(
    name="support-bundle",
    summary="pack states and logs, without secrets, to report a fault",
    example="orchard support-bundle --output fault.zip",
    add_arguments=_add_arguments,
    execute=execute,
)
