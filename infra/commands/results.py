"""``orchard results``: fetches what a run made."""

import argparse
from pathlib import Path

from infra.commands.command import Command, Surroundings
from infra.deploy import fetch, stacks
from job.__main__ import summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard results``."""
    parser.add_argument("name", nargs="?", help="of the run; left out, the runs are listed")
    parser.add_argument("--to", type=Path, metavar="DIR", help="where they go (default: results/NAME)")


def execute(given: argparse.Namespace, around: Surroundings) -> int:
    """Fetch a run's results, or list the runs."""
    bucket = stacks.data_bucket(around.aws)
    if given.name is None:
        for name in fetch.names(around.aws, bucket):
            around.say(name)
        return 0
    folder = given.to or Path("results") / given.name
    key = f"results/{given.name}"
    copied = fetch.fetch(around.aws, bucket, key, folder, around.terminal)
    around.terminal.write(summary(fetch.manifest(around.aws, bucket, key), str(folder)))
    around.say(f"{copied} files fetched.")
    return 0


COMMAND = Command(
    name="results",
    summary="fetch what a run made; without a name, list the runs",
    example="orchard results first --to fruits-results",
    add_arguments=add_arguments,
    execute=execute,
)
