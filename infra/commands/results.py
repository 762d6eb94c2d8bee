"""``orchard results``: lists runs, fetches what one made on the cluster, and makes tables and models of it."""

import argparse
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from infra import invocation
from infra.aws import stacks
from infra.commands import Command, mobile
from infra.commands.cost_in_report import fill_in_cost
from infra.commands.output.bar import shown
from infra.commands.output.tables import component_counts, cumulative_shares, in_columns, variance_table
from infra.commands.report import RESULTS, local_folder
from infra.context import Context
from infra.errors import ReportNotShownError, RunUnknownError, SignInError, StackNotReadyError, WrongUseError
from infra.runs import fetch, find_backbone
from job.errors import OrchardError, UsageError
from job.mobile import FLOAT16, INT8
from job.results import EXPLAINED_VARIANCE, REPORT, layout
from job.summary import summary

MANIFESTS_AT_A_TIME = 16


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", metavar="RESULTS", nargs="?", help="name of a run, or a folder; left out, all runs are listed"
    )
    parser.add_argument("--open", action="store_true", help="show the report in a browser")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to fetch them (default: results/NAME)")
    parser.add_argument("--overwrite", action="store_true", help="replace the results of another run in that folder")
    parser.add_argument(
        "--variance-table", type=component_counts, metavar="K,K,...", help="only print how much K components keep"
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
    """List runs, fetch one from the cluster, or make of one what was asked for."""
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


def list_runs(context: Context) -> None:
    """Print a table of the runs of this machine, below results/, and of the cluster."""
    rows = [(name, "local", _local_manifest(RESULTS / name)) for name in _local_names()]
    try:
        rows = _merged(rows, _cluster_manifests(context))
    except OrchardError as error:
        context.say(f"The runs of the cluster are not listed: {error.message}")
    if not rows:
        context.say(f"There are no runs yet. Start one: {invocation.orchard('run --images photos/')}")
        return
    header = ("name", "where", "state", "photos", "accuracy", "date")
    lines = [_row(*row) for row in sorted(rows, key=lambda row: row[:2], reverse=True)]
    context.say(*in_columns([header, *lines], text_columns=3))


def _local_names() -> list[str]:
    folders = RESULTS.iterdir() if RESULTS.is_dir() else ()
    marks = (layout.MANIFEST, layout.PROGRESS)
    return [folder.name for folder in folders if any((folder / mark).is_file() for mark in marks)]


def _local_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        return layout.read_manifest(str(folder.absolute()))
    except UsageError:
        return None


def _cluster_manifests(context: Context) -> dict[str, dict[str, Any] | None]:
    aws, bucket = context.aws, stacks.data_bucket(context.aws)
    names = fetch.names(aws, bucket)
    with ThreadPoolExecutor(MANIFESTS_AT_A_TIME) as pool:
        found = pool.map(lambda name: fetch.manifest_if_there(aws, bucket, f"results/{name}"), names)
        return dict(zip(names, found, strict=True))


_Row = tuple[str, str, dict[str, Any] | None]


def _merged(local: list[_Row], cluster: dict[str, dict[str, Any] | None]) -> list[_Row]:
    """Return the runs of both; one that was fetched is one row."""
    ids = {name: manifest["run_id"] for name, _, manifest in local if manifest is not None}
    fetched = {name for name, manifest in cluster.items() if manifest and ids.get(name) == manifest.get("run_id")}
    rows = [(name, "local, emr" if name in fetched else "local", manifest) for name, _, manifest in local]
    return rows + [(name, "emr", manifest) for name, manifest in cluster.items() if name not in fetched]


def _row(name: str, where: str, manifest: dict[str, Any] | None) -> tuple[str, ...]:
    if manifest is None:
        return (name, where, "unfinished", "", "", "")
    # A prediction repeats the classifier of the run that it applied, whose accuracy is not that of these photos.
    accuracy = None if "fitted" in manifest else (manifest.get("classifier") or {}).get("accuracy")
    return (
        name,
        where,
        "finished",
        f"{manifest.get('counts', {}).get('used', 0):,}",
        "" if accuracy is None else f"{accuracy:.2%}",
        manifest.get("finished", "")[:16].replace("T", " "),
    )


_NOT_ON_CLUSTER = (SignInError, StackNotReadyError, RunUnknownError)
"""Without an account, without stacks or without such a run on the cluster, a name stands for this machine's run."""


def _show(given: argparse.Namespace, context: Context) -> Path:
    """Print the summary of results, fetched first if they are a run's of the cluster; return their folder."""
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
    """Print the variance table of results, or write their phone's model; fetch nothing else."""
    here = local_folder(given.results)
    if here is not None:
        aws, bucket, found = None, None, fetch.in_folder(here)
    else:
        aws, bucket = context.aws, stacks.data_bucket(context.aws)
        found = fetch.in_bucket(aws, bucket, given.results)
    if given.variance_table:
        context.say(*variance_table(cumulative_shares(found.read(EXPLAINED_VARIANCE)), given.variance_table))
    if given.mobile:
        backbone = find_backbone(found.manifest, given.model, aws, bucket)
        mobile.make_mobile(context, found, backbone, given.mobile, given.quantized)


def _require_sense(given: argparse.Namespace) -> None:
    """Raise WrongUseError where arguments contradict each other, or mean nothing together."""
    asked = given.variance_table or given.mobile
    alone = [option for option in ("open", "output", "variance_table", "mobile") if getattr(given, option)]
    if given.results is None and alone:
        option = f"--{alone[0].replace('_', '-')}"
        raise WrongUseError(f"{option} needs the results of one run.", "Name a run, or a results folder.")
    if given.output and (asked or "/" in given.results):
        raise WrongUseError(
            "--output is where a run of the cluster is fetched to, and nothing is fetched here.", "Leave it out."
        )
    if (given.quantized or given.model) and not given.mobile:
        option = "--quantized" if given.quantized else "--model"
        raise WrongUseError(f"{option} needs --mobile.", "Add --mobile FILE")


def open_report(report: Path) -> None:
    """Show a report in this machine's browser."""
    if not report.is_file():
        raise ReportNotShownError(f"There is no {report}.", f"Make it: orchard report {report.parent}/")
    if not webbrowser.open(report.resolve().as_uri()):
        raise ReportNotShownError("No browser could be opened here.", f"Open {report} in one yourself.")


COMMAND = Command(
    name="results",
    summary="list runs; fetch what one made; make a phone's model of it",
    example="orchard results first --output fruits-results",
    add_arguments=_add_arguments,
    execute=execute,
)
