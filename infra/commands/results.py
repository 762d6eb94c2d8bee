"""``orchard results``: list runs, fetch the results of one from the cluster, and build a model for phones."""

import argparse
import webbrowser
from functools import partial
from pathlib import Path

from infra.aws import stacks
from infra.commands import Command
from infra.commands.cost_in_report import fill_in_cost
from infra.commands.output.bar import shown
from infra.commands.output.tables import component_counts, cumulative_shares, variance_table
from infra.commands.report import RESULTS, local_folder
from infra.commands.run_table import list_runs
from infra.context import Context
from infra.errors import ReportNotShownError, RunUnknownError, SignInError, StackNotReadyError, WrongUseError
from infra.runs import RunFiles, fetch, find_backbone
from job.arguments import require_probability
from job.errors import OrchardError
from job.features.network import FLOAT16, FLOAT32, INT8
from job.options import add_rejection
from job.report.summary import summary
from job.results import EXPLAINED_VARIANCE, REPORT, layout


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", metavar="RESULTS", nargs="?", help="name of a run, or a results folder (default: list all runs)"
    )
    parser.add_argument("--open", action="store_true", help="open the report in a browser")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder to fetch them into (default: results/NAME)")
    parser.add_argument("--overwrite", action="store_true", help="replace the results of another run in that folder")
    parser.add_argument(
        "--variance-table",
        type=component_counts,
        metavar="K,K,...",
        help="only print how much variance K components keep",
    )
    parser.add_argument("--mobile", type=Path, metavar="FILE", help="only write a model for phones to this file")
    parser.add_argument(
        "--quantized",
        choices=(FLOAT16, INT8),
        nargs="?",
        const=FLOAT16,
        help="with --mobile: store weights as float16 (default), or require the int8 network of the run",
    )
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="with --mobile: the run's backbone, if it is not found"
    )
    add_rejection(parser, "with --mobile: ")


def execute(given: argparse.Namespace, context: Context) -> int:
    """List runs, fetch one from the cluster, or build from one what was asked for."""
    _require_sense(given)
    if given.results is None:
        list_runs(context)
    elif given.variance_table or given.mobile:
        _make(given, context)
    else:
        folder = _show(given, context)
        if given.open:
            open_report(folder / REPORT)
    return 0


_NOT_ON_CLUSTER = (SignInError, StackNotReadyError, RunUnknownError)
"""Without an account, stacks or such a run on the cluster, a name is that of a run on this machine."""


def _show(given: argparse.Namespace, context: Context) -> Path:
    """Print the summary of results, fetched first if they are on the cluster; return their folder."""
    here = local_folder(given.results)
    if here is None or "/" not in given.results:
        try:
            return _fetch(given, context)
        except OrchardError as error:
            if here is None or given.output or not isinstance(error, _NOT_ON_CLUSTER):
                raise
    context.say(summary(layout.read_manifest(str(here.absolute())), str(here)).rstrip("\n"))
    return here


def _fetch(given: argparse.Namespace, context: Context) -> Path:
    folder: Path = given.output or RESULTS / given.results
    bucket, key = stacks.data_bucket(context.aws), f"results/{given.results}"
    manifest = fetch.manifest(context.aws, bucket, key)
    progress = partial(shown, context.terminal, context.clock, unit="files")
    copied = fetch.fetch(context.aws, bucket, key, manifest, folder, progress, overwrite=given.overwrite)
    context.say(summary(manifest, str(folder)).rstrip("\n"), f"{copied} files fetched.")
    fill_in_cost(context, bucket, key, manifest, folder)
    return folder


def _make(given: argparse.Namespace, context: Context) -> None:
    """Print the variance table of results, or write their model for phones; fetch nothing else."""
    here = local_folder(given.results)
    if here is not None:
        aws, bucket, found = None, None, fetch.in_folder(here)
    else:
        aws, bucket = context.aws, stacks.data_bucket(context.aws)
        found = fetch.in_bucket(aws, bucket, given.results)
    if given.variance_table:
        context.say(*variance_table(cumulative_shares(found.read(EXPLAINED_VARIANCE)), given.variance_table))
    if given.mobile:
        from infra.commands.mobile import make_mobile  # noqa: PLC0415 - needs the schema of TensorFlow Lite

        _require_quantized(found, given.quantized)
        kept = found.manifest["files"].get(layout.BACKBONE)
        if kept:
            backbone = found.read(kept[0]["path"])
        else:
            backbone = find_backbone(found.manifest, given.model, aws, bucket).read_bytes()
        make_mobile(context, found, backbone, given.mobile, given.quantized, given.reject_below)


def _require_quantized(run: RunFiles, quantized: str | None) -> None:
    """Raise WrongUseError if a run's network cannot be stored as asked."""
    precision = (run.manifest["backbone"] or {}).get("precision", FLOAT32)
    if quantized == INT8 and precision != INT8:
        raise WrongUseError(
            f"--quantized {INT8} needs a run with --precision {INT8}, got '{run.where}' in {precision}.",
            f"Run again with --precision {INT8}, or use --quantized {FLOAT16}.",
        )
    if quantized == FLOAT16 and precision == INT8:
        raise WrongUseError(
            f"--quantized {FLOAT16} needs a float32 network, got '{run.where}' in {precision}.", "Leave it out."
        )


def _require_sense(given: argparse.Namespace) -> None:
    """Raise WrongUseError if arguments contradict each other, or have no effect."""
    asked = given.variance_table or given.mobile
    alone = [option for option in ("open", "output", "variance_table", "mobile") if getattr(given, option)]
    if given.results is None and alone:
        option = f"--{alone[0].replace('_', '-')}"
        raise WrongUseError(
            f"{option} needs the results of one run.",
            "Name a run or a results folder, for instance first or results/first/.",
        )
    if given.output and (asked or "/" in given.results):
        raise WrongUseError(
            "--output needs a run on the cluster to fetch, but nothing is fetched here.", "Leave it out."
        )
    of_mobile = [option for option in ("quantized", "model", "reject_below") if getattr(given, option) is not None]
    if of_mobile and not given.mobile:
        option = f"--{of_mobile[0].replace('_', '-')}"
        raise WrongUseError(f"{option} needs --mobile.", "Add --mobile FILE")
    if given.reject_below is not None:
        require_probability(given.reject_below)


def open_report(report: Path) -> None:
    """Open a report in this machine's browser."""
    if not report.is_file():
        raise ReportNotShownError(f"There is no report {report}.", f"Build it: orchard report {report.parent}/")
    if not webbrowser.open(report.resolve().as_uri()):
        raise ReportNotShownError(
            "No browser could be opened on this machine.", f"Open this file in one: {report.resolve()}"
        )


COMMAND = Command(
    name="results",
    summary="list runs; fetch results; build a model for phones",
    details="Without RESULTS, list all runs with state, accuracy and cost; with a run on the cluster, download it.",
    example="orchard results first --output fruits-results",
    add_arguments=_add_arguments,
    execute=execute,
)
