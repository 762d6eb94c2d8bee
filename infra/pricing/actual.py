"""Compute the actual cost of a cluster and of a run: instance hours from EMR's timeline times today's prices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.aws import Aws, explained
from infra.errors import NotAllowedError, RunUnknownError
from infra.pricing.estimate import ON_DEMAND, SPOT, disk_usd_an_hour, no_price
from infra.pricing.source import PriceSource, mean_spot_price
from infra.pricing.table import NodePrice, RegionPrices
from infra.runs import Node, Step, nodes_of, run_history

LEAST_SECONDS = 60
"""EC2, EMR and EBS bill by the second and a minute at least."""

_SEE_THE_BILL = (
    "Sign in to AWS (aws sso login), so that its Price List API can be asked; or see Cost Explorer, by the tag project."
)


@dataclass(frozen=True)
class NodesCost:
    """What instances of one type and market have cost."""

    instance_type: str
    market: str  # ``ON_DEMAND`` or ``SPOT``
    count: int
    hours: float  # of all of them together
    ec2_usd: float
    emr_usd: float
    disk_usd: float | None  # their disks; None where the price is not known
    # Whether the price on Spot was known; else ``ec2_usd`` is the price on demand, more than was paid
    spot_price_known: bool = True

    @property
    def usd(self) -> float:
        """All of it."""
        return self.ec2_usd + self.emr_usd + (self.disk_usd or 0.0)


def hours_of(node: Node, now: datetime) -> float:
    """Return the hours that an instance is billed for, until now where it still runs."""
    seconds = ((node.end or now) - node.begin).total_seconds()
    return max(seconds, LEAST_SECONDS) / 3600


def cost_of_nodes(
    nodes: Sequence[Node],
    prices: RegionPrices,
    spot_price: Callable[[str, datetime, datetime], float | None],
    now: datetime,
) -> list[NodesCost]:
    """Return the cost of the instances of a cluster so far, by type and market.

    Parameters
    ----------
    spot_price
        The mean Spot price of a type over a time in USD an hour, None where it is not known.
    """
    kinds: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        kinds.setdefault((node.instance_type, SPOT if node.market == "SPOT" else ON_DEMAND), []).append(node)
    disk = disk_usd_an_hour(prices)
    costs = []
    for (name, market), alike in sorted(kinds.items()):
        price = prices.nodes.get(name, NodePrice())
        if price.ec2 is None or price.emr is None:
            raise no_price([name], prices, hint=_SEE_THE_BILL)
        hours = [hours_of(node, now) for node in alike]
        paid = [spot_price(name, node.begin, node.end or now) if market == SPOT else price.ec2 for node in alike]
        cost = NodesCost(
            name,
            market,
            len(alike),
            sum(hours),
            sum(length * (price.ec2 if usd is None else usd) for length, usd in zip(hours, paid, strict=True)),
            sum(hours) * price.emr,
            None if disk is None else sum(hours) * disk,
            spot_price_known=None not in paid,
        )
        costs.append(cost)
    return costs


def share(nodes: Sequence[Node], begin: datetime, end: datetime, now: datetime) -> float:
    """Return which share of a cluster's instance hours fell into a time, 0 to 1."""
    every = sum(((node.end or now) - node.begin).total_seconds() for node in nodes)
    inside = sum(max(0.0, (min(node.end or now, end) - max(node.begin, begin)).total_seconds()) for node in nodes)
    return inside / every if every else 0.0


@dataclass(frozen=True)
class RunCost:
    """What a run and its cluster have cost, by EMR's timeline."""

    run: Step
    region: str
    actual_cost: tuple[NodesCost, ...]
    share: float | None  # share of the cluster's node hours, 0 to 1; None before the run has started
    hours: float | None  # length of the run, until now if it has not ended; None before it has started
    cluster_runs: bool  # whether the cluster is still running, so that all costs are those until now

    @property
    def cluster_usd(self) -> float:
        """The whole cluster."""
        return sum(each.usd for each in self.actual_cost)

    @property
    def usd(self) -> float:
        """The run's share of the cluster."""
        return (self.share or 0.0) * self.cluster_usd

    @property
    def spot_prices_known(self) -> bool:
        """Whether nodes on Spot are counted at its price; else at that on demand, which is more than was paid."""
        return all(each.spot_price_known for each in self.actual_cost)

    @property
    def counts_disks(self) -> bool:
        """Whether the disks' price was known."""
        return all(each.disk_usd is not None for each in self.actual_cost)


def run_cost(aws: Aws, source: PriceSource, run: Step) -> RunCost:
    """Return what a run and its cluster have cost so far."""
    nodes = nodes_of(aws, run.cluster)
    with explained(f"look at the cluster {run.cluster}"):
        cluster = aws.emr.describe_cluster(ClusterId=run.cluster)["Cluster"]
    zone = cluster.get("Ec2InstanceAttributes", {}).get("Ec2AvailabilityZone", "")
    prices = source.of(aws.region, [node.instance_type for node in nodes])

    def spot_price(name: str, begin: datetime, end: datetime) -> float | None:
        if source.from_table:
            return None
        try:
            return mean_spot_price(aws, aws.region, name, zone, begin, end)
        except NotAllowedError:
            return None  # counted as on demand, which the output says

    found = cost_of_nodes(nodes, prices, spot_price, source.now)
    portion = hours = None
    if run.started is not None:
        end = run.ended or source.now
        portion = share(nodes, run.started, end, source.now)
        hours = (end - run.started).total_seconds() / 3600
    return RunCost(run, aws.region, tuple(found), portion, hours, any(node.end is None for node in nodes))


def run_of_results(aws: Aws, bucket: str, results_key: str, manifest: Mapping[str, Any]) -> Step:
    """Return the run that wrote results: a later run of the same name may have failed, or still run.

    Raises
    ------
    RunUnknownError
        If EMR lists none that wrote there when the manifest says.
    """
    finished = datetime.fromisoformat(manifest["finished"])
    for run in run_history(aws):
        if run.results != (bucket, results_key) or run.started is None:
            continue
        if run.started <= finished and (run.ended is None or finished <= run.ended):
            return run
    raise RunUnknownError(
        f"EMR lists no run of the last two months that wrote s3://{bucket}/{results_key} at {manifest['finished']}.",
        "See the bill: Cost Explorer, by the tag project.",
    )
