"""Print the table of runs: those of this machine, below results/, and those of the cluster."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra import invocation
from infra.aws import stacks
from infra.commands.output.cost_report import usd
from infra.commands.output.tables import in_columns
from infra.commands.report import RESULTS, local_names
from infra.context import Context
from infra.errors import PriceUnknownError
from infra.pricing import run_cost
from infra.runs import Step, fetch, newest_runs, steps
from job.errors import OrchardError, UsageError
from job.results import layout

_MANIFESTS_AT_A_TIME = 16

_MOST_PRICED = 10
"""Newest runs whose cost is computed: each takes several calls to EMR."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run of the table; ``manifest`` is None unless it has finished."""

    name: str
    where: str
    manifest: Manifest | None
    step: Step | None = None  # None on this machine, and once EMR has forgotten it
    cost: str = ""  # USD; empty if it is not known

    @property
    def date(self) -> str:
        """When it finished, or when it started if it has not: UTC, to the minute; empty if it is not known."""
        if self.manifest is not None:
            return str(self.manifest.get("finished", ""))[:16].replace("T", " ")
        return f"{self.step.started:%Y-%m-%d %H:%M}" if self.step is not None and self.step.started else ""

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of its row."""
        if self.manifest is None:
            return (self.name, self.date, self.where, steps.state_of(self.step), "", "", self.cost)
        # A prediction repeats the classifier of the run that it applied, whose accuracy is not that of these photos.
        accuracy = None if "fitted" in self.manifest else (self.manifest.get("classifier") or {}).get("accuracy")
        photos = f"{self.manifest.get('counts', {}).get('used', 0):,}"
        return (
            *(self.name, self.date, self.where, "finished", photos),
            *("" if accuracy is None else f"{accuracy:.2%}", self.cost),
        )


def list_runs(context: Context) -> None:
    """Print the table, newest run first; without an account, of this machine's runs alone."""
    runs = local_runs()
    try:
        runs = merged(runs, cluster_runs(context))
    except OrchardError as error:
        context.say(f"Runs on the cluster are not listed: {error.message}")
    if not runs:
        context.say(f"There are no runs yet. Start one: {invocation.orchard('run --images photos/')}")
        return
    header = ("name", "date (UTC)", "where", "state", "photos", "accuracy", "cost (USD)")
    ordered = sorted(runs, key=lambda run: (run.date, run.name), reverse=True)
    context.say(*in_columns([header, *(run.row for run in ordered)], text_columns=4))


def local_runs() -> list[Run]:
    """Return the runs of this machine."""
    return [Run(name, "local", _local_manifest(name)) for name in local_names()]


def cluster_runs(context: Context) -> list[Run]:
    """Return the runs of the data bucket, with their newest steps and costs as far as EMR tells them."""
    aws, bucket = context.aws, stacks.data_bucket(context.aws)
    names = fetch.names(aws, bucket)
    with ThreadPoolExecutor(_MANIFESTS_AT_A_TIME) as pool:
        manifests = list(pool.map(lambda name: fetch.manifest_if_there(aws, bucket, f"results/{name}"), names))
    found = _newest_steps(context, names)
    costs = _costs(context, found)
    return [
        Run(name, "emr", manifest, found.get(name), costs.get(name, ""))
        for name, manifest in zip(names, manifests, strict=True)
    ]


def merged(local: list[Run], cluster: list[Run]) -> list[Run]:
    """Return the runs of both; a run that was fetched is one row."""
    ids = {run.name: run.manifest["run_id"] for run in local if run.manifest is not None}
    fetched = {run.name: run for run in cluster if run.manifest and ids.get(run.name) == run.manifest.get("run_id")}
    rows = [
        Run(run.name, "local, emr", run.manifest, fetched[run.name].step, fetched[run.name].cost)
        if run.name in fetched
        else run
        for run in local
    ]
    return rows + [run for run in cluster if run.name not in fetched]


def _local_manifest(name: str) -> Manifest | None:
    try:
        return layout.read_manifest(str((RESULTS / name).absolute()))
    except UsageError:
        return None


def _newest_steps(context: Context, names: list[str]) -> Mapping[str, Step]:
    try:
        return newest_runs(context.aws, names)
    except OrchardError as error:
        # The table is still useful without states and costs.
        context.say(f"States and costs are not listed: {error.message} [{error.code}]")
        return {}


def _costs(context: Context, found: Mapping[str, Step]) -> Mapping[str, str]:
    if context.aws.on_this_machine:
        return {}  # the local cloud costs nothing
    started = [step for step in found.values() if step.started is not None]
    newest = sorted(started, key=lambda step: str(step.started), reverse=True)[:_MOST_PRICED]
    source, costs = context.prices(), {}
    for step in newest:
        try:
            costs[step.run] = usd(run_cost(context.aws, source, step).usd, 3)
        except PriceUnknownError:
            continue  # the cell stays empty
        except OrchardError as error:
            context.say(f"The cost of '{step.run}' is not listed: {error.message} [{error.code}]")
    return costs
