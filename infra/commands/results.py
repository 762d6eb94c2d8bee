"""``orchard results``: fetches what a run made, and makes of it what was asked for."""

import argparse
import webbrowser
from pathlib import Path

from infra.aws import stacks
from infra.commands import mobile
from infra.commands.command import Command
from infra.commands.cost_in_report import fill_in_cost
from infra.commands.output.variance_table import cumulative_shares, numbers, variance_table
from infra.context import Context
from infra.errors import ReportNotShownError, WrongUseError
from infra.runs import fetch
from infra.runs.backbone import find_backbone
from job.__main__ import summary
from job.errors.console import printable
from job.mobile.quantize import FLOAT16, INT8
from job.results.layout import EXPLAINED_VARIANCE, REPORT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard results``."""
    parser.add_argument("name", nargs="?", help="of the run; left out, the runs are listed")
    parser.add_argument("--open", action="store_true", help="show the report in a browser")
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="a results folder of this machine")
    parser.add_argument("--to", type=Path, metavar="DIR", help="where they go (default: results/NAME)")
    parser.add_argument(
        "--variance-table",
        type=numbers,
        metavar="K,K,...",
        help="only say how much K components keep",
    )
    parser.add_argument("--mobile", type=Path, metavar="FILE", help="only write the phone's model")
    parser.add_argument(
        "--quantized",
        choices=(FLOAT16, INT8),
        nargs="?",
        const=FLOAT16,
        help="of --mobile: fewer bits a weight (alone: %(const)s)",
    )
    parser.add_argument("--model", type=Path, metavar="FILE", help="of --mobile: the backbone, if it is not found")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Fetch a run's results, list the runs, or make of a run what was asked for."""
    _require_sense(given)
    bucket = None if given.folder else stacks.data_bucket(context.aws)
    if bucket is not None and given.name is None:
        for name in fetch.names(context.aws, bucket):
            context.say(name)
        return 0
    if given.variance_table or given.mobile:
        found = fetch.in_folder(given.folder) if bucket is None else fetch.in_bucket(context.aws, bucket, given.name)
        if given.variance_table:
            shares = cumulative_shares(found.read(EXPLAINED_VARIANCE))
            for line in variance_table(shares, given.variance_table):
                context.say(line)
        if given.mobile:
            backbone = find_backbone(found.manifest, given.model, context.aws, bucket)
            mobile.make_mobile(context, found, backbone, given.mobile, given.quantized)
    if bucket is not None and (given.to or not (given.variance_table or given.mobile)):
        _fetch(given, context, bucket)
    return 0


def _fetch(given: argparse.Namespace, context: Context, bucket: str) -> None:
    folder = given.to or Path("results") / given.name
    key = f"results/{given.name}"
    manifest = fetch.manifest(context.aws, bucket, key)
    copied = fetch.fetch(context.aws, bucket, key, manifest, folder, context.terminal)
    context.terminal.write(printable(summary(manifest, str(folder))))
    context.say(f"{copied} files fetched.")
    fill_in_cost(context, bucket, key, manifest, folder)
    if given.open:
        open_report(folder / REPORT)


def _require_sense(given: argparse.Namespace) -> None:
    """Raise WrongUseError where arguments contradict each other, or say nothing together."""
    if given.folder and (given.name or given.to):
        raise WrongUseError(
            "--from names results that are on this machine already.", "Leave the run's name and --to out."
        )
    asked = given.variance_table or given.mobile
    if given.folder and not asked:
        raise WrongUseError("--from alone asks for nothing.", "Add --variance-table 100,200 or --mobile FILE")
    if asked and not (given.folder or given.name):
        raise WrongUseError("No run is named.", "Name one, or a results folder: --from DIR")
    if (given.quantized or given.model) and not given.mobile:
        option = "--quantized" if given.quantized else "--model"
        raise WrongUseError(f"{option} is about the phone's model, which was not asked for.", "Add --mobile FILE")


def open_report(report: Path) -> None:
    """Show a report in this machine's browser.

    Raises
    ------
    OrchardError
        If there is no report, or no browser.
    """
    if not report.is_file():
        raise ReportNotShownError(f"There is no {report}.", f"Make it: python -m job report {report.parent}")
    if not webbrowser.open(report.resolve().as_uri()):
        raise ReportNotShownError("No browser could be opened here.", f"Open {report} in one yourself.")


COMMAND = Command(
    name="results",
    summary="fetch what a run made; without a name, list the runs",
    example="orchard results first --to fruits-results",
    add_arguments=add_arguments,
    execute=execute,
)
