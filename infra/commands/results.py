"""``orchard results``: fetches what a run made."""

import argparse
import webbrowser
from pathlib import Path

from infra.commands.command import Command, Surroundings
from infra.deploy import fetch, stacks
from infra.errors import OrchardError
from job.__main__ import summary
from job.results import REPORT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard results``."""
    parser.add_argument("name", nargs="?", help="of the run; left out, the runs are listed")
    parser.add_argument("--open", action="store_true", help="show the report in a browser")
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
    if given.open:
        open_report(folder / REPORT)
    return 0


def open_report(report: Path) -> None:
    """Show a report in this machine's browser.

    Raises
    ------
    OrchardError
        If there is no report, or no browser.
    """
    if not report.is_file():
        raise OrchardError(f"There is no {report}.", f"Make it: python -m job report {report.parent}")
    if not webbrowser.open(report.resolve().as_uri()):
        raise OrchardError("No browser could be opened here.", f"Open {report} in one yourself.")


COMMAND = Command(
    name="results",
    summary="fetch what a run made; without a name, list the runs",
    example="orchard results first --to fruits-results",
    add_arguments=add_arguments,
    execute=execute,
)
