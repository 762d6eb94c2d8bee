"""The run history: every run that EMR still lists on our clusters, and their nodes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra import invocation
from infra.aws import Aws, explained, stacks
from infra.emr import INSTANCE_TYPES
from infra.errors import ClusterUnfitError, RunUnknownError
from infra.runs.clusters import NAME as CLUSTER_NAME
from infra.runs.clusters import WORKERS
from infra.runs.step import Step, runs_of
from job.errors import did_you_mean

if TYPE_CHECKING:
    from mypy_boto3_emr.type_defs import ClusterSummaryTypeDef, InstanceTypeDef


MOST_NAMED = 8
"""Names that an error message lists."""


@dataclass(frozen=True)
class Node:
    """One instance of a cluster and how long it ran."""

    instance_type: str
    market: str  # ON_DEMAND or SPOT
    begin: datetime  # its creation, a little before billing starts
    end: datetime | None  # None while it runs


def run_history(aws: Aws) -> Iterator[Step]:
    """Yield every run on our clusters that EMR still lists (two months), newest first."""
    for cluster in our_clusters(aws):
        yield from runs_of(aws, cluster["Id"])


def newest_runs(aws: Aws, names: Collection[str]) -> dict[str, Step]:
    """Return the newest step of each run by name, as far as EMR still lists them."""
    found: dict[str, Step] = {}
    for step in run_history(aws):
        if step.run in names:
            found.setdefault(step.run, step)
        if len(found) == len(names):
            break
    return found


def newest_cluster(aws: Aws) -> str:
    """Return the id of the deployed cluster, else of the newest cluster that EMR still lists."""
    deployed = stacks.deployed_cluster(aws)
    if deployed is not None:
        return deployed
    clusters = our_clusters(aws)
    if not clusters:
        raise _no_cluster()
    return clusters[0]["Id"]


def cluster_of(aws: Aws, run: str | None) -> str:
    """Return the id of the cluster of a run; without a run, of the deployed cluster, else of the newest run."""
    if run is not None:
        return find_run(aws, run).cluster
    deployed = stacks.deployed_cluster(aws)
    if deployed is not None:
        return deployed
    newest = next(run_history(aws), None)
    if newest is None:
        raise _no_cluster()
    return newest.cluster


def find_run(aws: Aws, run: str) -> Step:
    """Return the newest run of a name."""
    names = []
    for step in run_history(aws):
        if step.run == run:
            return step
        names.append(step.run)
    known = list(dict.fromkeys(names))
    raise RunUnknownError(
        f"There is no run '{run}' on the clusters of the last two months in {aws.region}.",
        f"{did_you_mean(run, known)}Runs: {', '.join(known[:MOST_NAMED])}."
        if known
        else "List all runs: " + invocation.orchard("results") + "; or choose another region: --region REGION",
    )


def our_clusters(aws: Aws) -> "list[ClusterSummaryTypeDef]":
    """Return our clusters that EMR still lists, newest first."""
    with explained("list the clusters"):
        pages = aws.emr.get_paginator("list_clusters").paginate()
        clusters = [each for page in pages for each in page["Clusters"] if CLUSTER_NAME.fullmatch(each["Name"])]
    return sorted(clusters, key=lambda each: each["Status"]["Timeline"]["CreationDateTime"], reverse=True)


def _no_cluster() -> ClusterUnfitError:
    return ClusterUnfitError(
        "There is no cluster, and there was none in the last two months.",
        f"Deploy one: {invocation.orchard('up')}",
    )


def nodes_of(aws: Aws, cluster: str, *, workers_only: bool = False) -> list[Node]:
    """Return every instance of a cluster, ended ones included."""
    with explained(f"list the instances of the cluster {cluster}"):
        if not workers_only:
            return _instances(aws, cluster)
        in_fleets = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"].get("InstanceCollectionType")
        return [
            node
            for role in WORKERS
            for node in (
                _instances(aws, cluster, InstanceFleetType=role)
                if in_fleets == "INSTANCE_FLEET"
                else _instances(aws, cluster, InstanceGroupTypes=[role])
            )
        ]


def mean_cores(nodes: Sequence[Node], begin: datetime, end: datetime) -> float:
    """Return the mean number of virtual CPUs between two times: nodes are added and removed."""
    length = (end - begin).total_seconds()
    if length <= 0:
        return 0.0
    worked = 0.0
    for node in nodes:
        shared = (min(node.end or end, end) - max(node.begin, begin)).total_seconds()
        worked += max(0.0, shared) * INSTANCE_TYPES[node.instance_type].virtual_cpus
    return worked / length


def _instances(aws: Aws, cluster: str, **chosen: Any) -> list[Node]:  # noqa: ANN401 - EMR's own arguments
    pages = aws.emr.get_paginator("list_instances").paginate(ClusterId=cluster, **chosen)
    return [_node(each) for page in pages for each in page["Instances"]]


def _node(instance: "InstanceTypeDef") -> Node:
    timeline = instance["Status"]["Timeline"]
    return Node(
        instance["InstanceType"],
        instance.get("Market", "ON_DEMAND"),
        timeline["CreationDateTime"],
        timeline.get("EndDateTime"),
    )
