"""What one run did cost: its share of its cluster's node hours, times prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.deploy import past_runs, spent
from infra.deploy.aws import Aws, explained
from infra.deploy.past_runs import PastRun
from infra.deploy.prices import PriceSource, mean_spot_price
from infra.deploy.spent import NodesSpent
from infra.errors import OrchardError, RunUnknownError


@dataclass(frozen=True)
class RunCost:
    """What a run and its cluster did cost, by EMR's timeline.

    Attributes
    ----------
    run
        The run.
    region
        Of its cluster.
    spent
        What the cluster did cost, by type and market.
    share
        Of the cluster's node hours, those that fell into the run, 0 to 1; None before it has begun.
    hours
        That the run took, so far where it has not ended; None before it has begun.
    cluster_runs
        Whether the cluster costs on: all this is until now.
    """

    run: PastRun
    region: str
    spent: tuple[NodesSpent, ...]
    share: float | None
    hours: float | None
    cluster_runs: bool

    @property
    def cluster_usd(self) -> float:
        """The whole cluster."""
        return sum(each.usd for each in self.spent)

    @property
    def usd(self) -> float:
        """The run's share of the cluster."""
        return (self.share or 0.0) * self.cluster_usd

    @property
    def spot_prices_known(self) -> bool:
        """Whether nodes on Spot are counted at its price; else at that on demand, which is more than was paid."""
        return all(each.spot_price_known for each in self.spent)

    @property
    def counts_disks(self) -> bool:
        """Whether the disks' price was known."""
        return all(each.disk_usd is not None for each in self.spent)


def run_cost(aws: Aws, source: PriceSource, run: PastRun) -> RunCost:
    """Return what a run and its cluster did cost so far.

    Parameters
    ----------
    aws
        The account and region.
    source
        Of prices, and the time that counts as now.
    run
        Which.

    Raises
    ------
    OrchardError
        If EMR does not answer.
    WrongUseError
        If an instance type that ran has no known price.
    """
    nodes = past_runs.nodes_of(aws, run.cluster)
    with explained(f"look at the cluster {run.cluster}"):
        cluster = aws.emr.describe_cluster(ClusterId=run.cluster)["Cluster"]
    zone = cluster.get("Ec2InstanceAttributes", {}).get("Ec2AvailabilityZone", "")
    prices = source.of(aws.region, [node.instance_type for node in nodes])

    def spot_price(name: str, begin: datetime, end: datetime) -> float | None:
        if source.from_table:
            return None
        try:
            return mean_spot_price(aws, aws.region, name, zone, begin, end)
        except OrchardError:
            return None

    found = spent.spent_on(nodes, prices, spot_price, source.now)
    share = hours = None
    if run.begin is not None:
        end = run.end or source.now
        share = spent.share(nodes, run.begin, end, source.now)
        hours = (end - run.begin).total_seconds() / 3600
    return RunCost(run, aws.region, tuple(found), share, hours, any(node.end is None for node in nodes))


def run_of_results(aws: Aws, bucket: str, results_key: str, manifest: Mapping[str, Any]) -> PastRun:
    """Return the run that has made results: a later one of the same name may have failed, or still be at it.

    Parameters
    ----------
    aws
        The account and region.
    bucket, results_key
        Where the results are.
    manifest
        Theirs.

    Raises
    ------
    RunUnknownError
        If EMR lists none that wrote there when the manifest says.
    """
    finished = datetime.fromisoformat(manifest["finished"])
    for past in past_runs.past_runs(aws):
        if past.output.rstrip("/") != f"s3://{bucket}/{results_key}" or past.begin is None:
            continue
        if past.begin <= finished and (past.end is None or finished <= past.end):
            return past
    raise RunUnknownError(
        f"EMR lists no run of the last two months that wrote s3://{bucket}/{results_key} at {manifest['finished']}.",
        "See the bill: Cost Explorer, by the tag project.",
    )
