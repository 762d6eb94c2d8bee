"""``orchard cost``: estimate the cost of a cluster and a run, or compute the actual cost of a run."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra import invocation
from infra.aws import cdk
from infra.cdk_context import read_settings
from infra.commands import Command
from infra.commands.output import cost_report as report
from infra.commands.output.tables import in_columns
from infra.context import Context
from infra.emr import INSTANCE_TYPES
from infra.errors import WrongUseError
from infra.pricing import BENCHMARK, PriceSource, RegionPrices, Speed, estimate, expected_speed, run_cost
from infra.runs import PhotosFound, history
from infra.settings import EU_REGIONS, OTHER_REGIONS, Settings
from job.errors import OrchardError, did_you_mean

CITIES = {
    "eu-west-3": "Paris",
    "eu-west-1": "Ireland",
    "eu-central-1": "Frankfurt",
    "eu-west-2": "London",
    "eu-north-1": "Stockholm",
    "eu-south-1": "Milan",
    "eu-south-2": "Spain",
}

START_MINUTES = 15.0
"""Until a cluster is ready: an assumption, not measured. alchemy.run's page on EMR clusters says 10 to 15 (November
2026)."""

PHOTO_KIB = 5.0
"""Mean size of a photo of Fruits-360: 100 by 100 pixels, JPEG."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=count, metavar="N", help="also estimate the time and cost of N photos")
    parser.add_argument("--shards", action="store_true", help="photos are uploaded in shards")
    parser.add_argument("--type", metavar="TYPE", help="instance type of every node (default: as in cdk.json)")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--regions", metavar="A,B,...", help="compare regions")
    other.add_argument("--run", metavar="NAME", help="actual cost of a run and its cluster")
    parser.add_argument("--offline", action="store_true", help="use the price table of this project, do not ask AWS")
    parser.add_argument(
        "--start-minutes",
        type=amount,
        default=START_MINUTES,
        metavar="M",
        help="minutes until a cluster is ready (default: %(default)g)",
    )
    parser.add_argument(
        "--photo-kib",
        type=amount,
        default=PHOTO_KIB,
        metavar="K",
        help="mean size of a photo in KiB (default: %(default)g)",
    )


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print an estimate, a comparison of regions or an actual cost."""
    if given.run and (given.photos or given.type):
        raise WrongUseError(
            "--run reports the actual cost and does not take --photos or --type.",
            f"Leave them out: {invocation.orchard(f'cost --run {given.run}')}",
        )
    if given.run and context.aws.on_this_machine:
        context.say(
            f"The run '{history.find_run(context.aws, given.run).run}' ran on the local cloud, which costs nothing.",
            f"Estimate such a run on AWS: {invocation.orchard('cost --offline --type m5.xlarge --photos 10000')}",
        )
        return 0
    asked = _Asked(
        given,
        context,
        read_cost_settings(given.type, context.aws.region),
        context.prices(offline=given.offline),
    )
    if given.run:
        asked.did_cost()
    elif given.regions:
        asked.compare_regions(read_regions(given.regions))
    else:
        asked.will_cost()
    return 0


@dataclass(frozen=True)
class _Asked:
    """One call of the command."""

    given: argparse.Namespace
    context: Context
    settings: Settings
    source: PriceSource

    def will_cost(self) -> None:
        say, settings = self.context.say, self.settings
        prices = self.source.of(settings.region, estimate.types_of(settings))
        hour = estimate.hour_cost(settings, prices)
        say(f"Cost of the cluster in {settings.region}, USD per hour:")
        say("")
        say(*report.hour_lines(hour))
        say("")
        for name, missing in estimate.without_price(estimate.types_of(settings), prices).items():
            say(f"{name} is not counted: its price for {missing} is not known.")
        self._say_spot(prices, hour)
        if settings.managed_scaling:
            most = replace(settings, task_count=settings.scaling_max - settings.core_count)
            usd = estimate.hour_cost(most, prices).usd
            say(f"With {settings.scaling_max} workers, the most that may run: {usd:.4f}.")
        idle = settings.idle_minutes / 60 * hour.usd
        say(f"An idle cluster ends by itself after {settings.idle_minutes} minutes, which cost {idle:.3f}.")
        if self.given.photos:
            self._say_photos(hour, prices)
        else:
            say(f"Estimate a run: {invocation.orchard('cost --photos 10000')}")
        unknown = [] if hour.counts_disks else ["disks"]
        unknown += ["S3"] if self.given.photos and prices.thousand_writes is None else []
        say(report.standing_line(settings))
        estimated = report.estimated_line(prices, hour)
        if estimated:
            say(estimated)
        say(report.not_counted(settings, unknown))
        say(self.source.origin)

    def compare_regions(self, regions: Sequence[str]) -> None:
        say = self.context.say
        by_region = self.source.of_all(regions, estimate.types_of(self.settings))
        priced = {name: prices for name, prices in by_region.items() if self._worker(prices)}
        if not priced:
            raise estimate.no_price(self.settings.worker_instance_types, by_region[regions[0]])
        photos: int | None = self.given.photos
        speed = self._speed(self._worker(next(iter(priced.values()))) or "") if photos else None
        with_spot = any(estimate.spot_known(self.settings, prices) for prices in priced.values())
        header = ["region", "", "type", "EC2", "EMR", "node", *(["Spot"] if with_spot else []), "cluster"]
        rows = [[*header, f"{photos:,} photos"] if photos else header]
        for region, prices in by_region.items():
            rows.append(self._region_row(region, prices, speed, with_spot=with_spot, columns=len(rows[0])))
        say("USD per hour. node: EC2 and EMR on demand; cluster: as in cdk.json.")
        say("")
        say(*in_columns(rows, text_columns=3))
        say("")
        for region, prices in by_region.items():
            if region not in priced:
                say(estimate.no_price(self.settings.worker_instance_types, prices).message)
        if speed is not None:
            say(f"{photos:,} photos: cost of the cluster from its start to the end of the job, without S3.")
            say(*self._time_basis(speed))
        without_disks = [f"disks in {region}" for region, prices in priced.items() if prices.gp3_gib_month is None]
        say(report.not_counted(self.settings, without_disks))
        say(self.source.origin)

    def did_cost(self) -> None:
        say, aws = self.context.say, self.context.aws
        found = run_cost(aws, self.source, history.find_run(aws, self.given.run))
        run = found.run
        say(f"Actual cost of the cluster {run.cluster} with the run '{run.run}', in {aws.region}, USD:")
        say("")
        say(*report.actual_lines(found.actual_cost))
        say("")
        if found.cluster_runs:
            say("The cluster is still running: this is the cost until now.")
        if found.share is not None and found.hours is not None:
            took = report.clock(found.hours)
            say(f"The run took {took}, {found.share:.0%} of the cluster's node hours: {found.usd:.3f}.")
        if not found.spot_prices_known:
            say("Spot nodes are counted at the higher on-demand price, because AWS gave no Spot price.")
        say(report.not_counted(self.settings, [] if found.counts_disks else ["disks"], also=["S3"]))
        say("Hours are from EMR's timeline, which starts a little before billing does. AWS's bill is what counts.")
        say(self.source.origin)

    def _say_photos(self, hour: estimate.HourCost, prices: RegionPrices) -> None:
        say, photos = self.context.say, self.given.photos
        speed = self._speed(self._worker(prices) or "")
        say("")
        say(f"{photos:,} photos on {hour.cores} cores, with a cluster that is started for them and then ended:")
        say("")
        say(*report.photos_lines(self._photos_cost(hour, prices, speed), shards=self.given.shards))
        say("")
        say(*self._time_basis(speed))
        say(f"Storage is for photos of {self.given.photo_kib:g} KiB (--photo-kib) with 1,280 features each.")

    def _photos_cost(self, hour: estimate.HourCost, prices: RegionPrices, speed: Speed) -> estimate.PhotosCost:
        given = self.given
        size = given.photo_kib
        return estimate.photos_cost(hour, speed, given.photos, prices, given.start_minutes, size, shards=given.shards)

    def _time_basis(self, speed: Speed) -> list[str]:
        return [
            f"The time is extrapolated from {speed.basis}.",
            f"The start is assumed to take {self.given.start_minutes:g} minutes (--start-minutes).",
        ]

    def _region_row(
        self, region: str, prices: RegionPrices, speed: Speed | None, *, with_spot: bool, columns: int
    ) -> list[str]:
        name = self._worker(prices)
        if name is None:
            return [region, CITIES.get(region, ""), *[report.UNKNOWN] * (columns - 2)]
        node, hour = prices.nodes[name], estimate.hour_cost(self.settings, prices)
        row = [
            region,
            CITIES.get(region, ""),
            name,
            report.usd(node.ec2),
            report.usd(node.emr),
            report.usd(node.on_demand),
        ]
        row += [report.usd(node.spot)] if with_spot else []
        row.append(report.usd(hour.usd))
        return row if speed is None else [*row, report.usd(self._photos_cost(hour, prices, speed).cluster_usd, 3)]

    def _say_spot(self, prices: RegionPrices, hour: estimate.HourCost) -> None:
        if any(node.market == estimate.SPOT for node in hour.nodes):
            on_demand = estimate.hour_cost(self.settings, prices, spot=False).usd
            self.context.say(f"All of it on demand: {on_demand:.4f}.")
        elif self.settings.spot_share and self.settings.task_count:
            self.context.say("Task nodes are Spot nodes and will cost less; their price is not known here.")

    def _worker(self, prices: RegionPrices) -> str | None:
        return estimate.cheapest(self.settings.worker_instance_types, prices)

    def _speed(self, instance_type: str) -> Speed:
        return BENCHMARK if self.source.from_table else expected_speed(self.context.price_cache, instance_type)


def read_cost_settings(instance_type: str | None, region: str) -> Settings:
    """Return the settings of cdk.json with another region, and another instance type for every node.

    The region may lie outside the EU: nothing is deployed.
    """
    if instance_type is not None and instance_type not in INSTANCE_TYPES:
        raise WrongUseError(
            f"--type must be an instance type that a cluster may have, got '{instance_type}'.",
            f"Use one of {', '.join(name for name in INSTANCE_TYPES if name.endswith('.xlarge'))}, or a larger size.",
        )
    settings = read_settings(cdk.context())
    types = (instance_type,) if instance_type else None
    return replace(
        settings,
        region=region,
        primary_instance_types=types or settings.primary_instance_types,
        worker_instance_types=types or settings.worker_instance_types,
    )


def read_regions(text: str) -> list[str]:
    """Return the regions that a comma-separated text names, each once."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    for region in named:
        require_region("--regions", region)
    if not named:
        raise WrongUseError("--regions must name at least one region, got none.", "Try --regions eu-west-1,eu-west-3")
    return list(dict.fromkeys(named))


def require_region(option: str, region: str) -> None:
    """Raise WrongUseError unless a region is one that this project knows."""
    known = (*EU_REGIONS, *OTHER_REGIONS)
    if region not in known:
        raise WrongUseError(
            f"{option} must name an AWS region with EMR, got '{region}'.",
            f"{did_you_mean(region, known)}Regions: {', '.join(known)}.",
        )


def count(text: str) -> int:
    """Return a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got '{text}'")
    return int(text)


def amount(text: str) -> float:
    """Return a number from 0."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, got '{text}'")
    return number


def estimate_line(context: Context, photos: Sequence[PhotosFound]) -> str:
    """Return the estimate of a run on the cluster, or why there is none; an unknown price does not stop the run."""
    number, size = sum(each.count for each in photos), sum(each.bytes for each in photos)
    if any(each.unlisted for each in photos):
        return "No estimate: the photos in archives are counted when the run lists them."
    try:
        settings = read_cost_settings(None, context.aws.region)
        prices = context.prices().of(settings.region, estimate.types_of(settings))
        hour = estimate.hour_cost(settings, prices)
        speed = expected_speed(context.price_cache, estimate.cheapest(settings.worker_instance_types, prices) or "")
        shards = all(each.archives for each in photos)
        taken = estimate.photos_cost(hour, speed, number, prices, START_MINUTES, size / number / 1024, shards=shards)
    except OrchardError as error:
        return f"No estimate: {error.message}"
    run = taken.job_usd + (taken.requests_usd or 0.0)
    usd = f"{run:.2f} USD" if run >= 0.01 else "less than 0.01 USD"
    return (
        f"Estimate: {report.clock(taken.job_hours)} and {usd} for the run; {report.clock(taken.hours)} and "
        f"{run + taken.start_usd:.2f} USD with the start of a cluster. Extrapolated from {speed.basis}."
    )


COMMAND = Command(
    name="cost",
    summary="estimate costs, or compute what a run has cost",
    details="Prices of EC2, EMR, disks and S3, by region and instance type.",
    example="orchard cost --type m5.xlarge --regions eu-west-3,eu-west-1,eu-central-1,eu-west-2,eu-north-1",
    add_arguments=_add_arguments,
    execute=execute,
)
