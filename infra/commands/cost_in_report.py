"""Fill in the actual cost of a run in its fetched report: the job that wrote the report could not know it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.commands.output.cost_report import clock, usd
from infra.context import Context
from infra.pricing import PriceSource, RunCost, keep_speed, run_cost, run_of_results
from job import storage
from job.errors import OrchardError
from job.report import Cost, with_cost
from job.results import layout, listed_files


def fill_in_cost(context: Context, bucket: str, results_key: str, manifest: dict[str, Any], folder: Path) -> None:
    """Put a run's cost into its fetched report, and print it, or why it is not known: that does not fail the command.

    A run on the local cloud costs nothing; its report is not changed.
    """
    if context.aws.on_this_machine or layout.REPORT not in listed_files(manifest):
        return
    source = context.prices()
    try:
        run = run_of_results(context.aws, bucket, results_key, manifest)
        keep_speed(context.price_cache, context.aws, run, manifest)
        found = run_cost(context.aws, source, run)
    except OrchardError as error:
        context.say(f"The cost is missing in the report. {error.message}")
        return
    report = folder / layout.REPORT
    try:
        page = with_cost(report.read_text(encoding="utf-8"), as_reported(found, source, manifest)).encode()
    except ValueError:
        context.say(f"The cost is missing in the report, which another version wrote. It was {usd(found.usd, 3)} USD.")
        return
    replace_report(folder, manifest, page)
    context.say(f"Estimated cost of the run, now in the report: {usd(found.usd, 3)} USD.")


def as_reported(found: RunCost, source: PriceSource, manifest: Mapping[str, Any]) -> Cost:
    """Return a run's cost as its report shows it."""
    return Cost(
        usd=found.usd,
        cluster_usd=found.cluster_usd,
        share=found.share or 0.0,
        took=clock(found.hours or 0.0),
        cluster=found.run.cluster,
        cluster_runs=found.cluster_runs,
        asked=f"{source.now:%Y-%m-%d %H:%M} UTC",
        region=found.region,
        price_day=source.day,
        from_table=source.from_table,
        spot_prices_known=found.spot_prices_known,
        counts_disks=found.counts_disks,
        reused=(manifest.get("resumed") or {}).get("reused", 0),
    )


def replace_report(folder: Path, manifest: Mapping[str, Any], page: bytes) -> None:
    """Write a fetched report, and its new size to the manifest, which copies are checked against."""
    here = str(folder.absolute())
    storage.write_bytes(storage.join(here, layout.REPORT), page)
    files = {
        name: [{**entry, "bytes": len(page)} if entry["path"] == layout.REPORT else entry for entry in entries]
        for name, entries in manifest["files"].items()
    }
    layout.write_manifest(here, {**manifest, "files": files})
