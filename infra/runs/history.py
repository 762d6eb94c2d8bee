"""Finds what our clusters ran, newest first: the step of a run, the nodes it had, and its manifest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.aws import stacks
from infra.aws.client import Aws, explained
from infra.emr.instance_types import INSTANCE_TYPES
from infra.errors import (
    ClusterUnfitError,
    RunUnknownError,
)
from infra.runs.clusters import NAME as CLUSTER_NAME
from infra.runs.fetch import manifest_if_there
from infra.runs.speed import BENCHMARK, Speed, measured
from infra.runs.step import output_of, runs_of
from job.errors import OrchardError

if TYPE_CHECKING:
    from mypy_boto3_emr.type_defs import InstanceTypeDef

MOST_CLUSTERS = 10
"""How many clusters are looked through for a run to learn the speed from; each takes a few calls."""


@dataclass(frozen=True)
class PastRun:
    """One run of the job on one of our clusters."""

    cluster: str
    run: str
    state: str  # of the step, as EMR names it
    begin: datetime | None  # of the step; None where it has not begun or ended
    end: datetime | None
    output: str  # URI of the results folder, empty where the step names none


@dataclass(frozen=True)
class Node:
    """One instance of a cluster and how long it ran."""

    instance_type: str  # as EMR names them; the market is ON_DEMAND or SPOT
    market: str
    begin: datetime  # from its creation, which comes a little before it is billed, to its end; None while it runs
    end: datetime | None


def past_runs(aws: Aws, most_clusters: int | None = None) -> Iterator[PastRun]:
    """Return every run on our clusters that EMR still lists (two months), newest first."""
    with explained("list the clusters"):
        pages = aws.emr.get_paginator("list_clusters").paginate()
        clusters = [each for page in pages for each in page["Clusters"] if CLUSTER_NAME.fullmatch(each["Name"])]
    clusters.sort(key=lambda each: each["Status"]["Timeline"]["CreationDateTime"], reverse=True)
    for cluster in clusters[:most_clusters]:
        for step in runs_of(aws, cluster["Id"]):
            yield PastRun(step.cluster, step.run, step.state, step.started, step.ended, output_of(step.arguments))


def cluster_of(aws: Aws, run: str | None) -> str:
    """Return the id of the cluster that a run is or was on, whether its stack still stands or not.

    Parameters
    ----------
    run
        Its name; None for the newest on the standing cluster, else the newest of all.
    """
    if run is not None:
        return find_run(aws, run).cluster
    standing = (stacks.outputs_if_there(aws, stacks.CLUSTER) or {}).get("ClusterId")
    if standing is not None:
        return standing
    newest = next(past_runs(aws), None)
    if newest is None:
        raise ClusterUnfitError("No cluster stands, and none has run anything yet.", "Make one: orchard up")
    return newest.cluster


def find_run(aws: Aws, run: str) -> PastRun:
    """Return the newest run of this name."""
    names = []
    for past in past_runs(aws):
        if past.run == run:
            return past
        names.append(past.run)
    known = ", ".join(dict.fromkeys(names))
    raise RunUnknownError(
        f"There is no run '{run}' on the clusters of the last two months in {aws.region}.",
        f"The runs there: {known}." if known else "There is none at all: name the region of yours with --region.",
    )


def nodes_of(aws: Aws, cluster: str, *, workers_only: bool = False) -> list[Node]:
    """Return every instance that a cluster had, those that are gone included."""
    with explained(f"list the instances of the cluster {cluster}"):
        if not workers_only:
            return [_node(each) for each in _instances(aws, cluster)]
        by_fleet = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"].get("InstanceCollectionType")
        found: list[InstanceTypeDef] = []
        for role in ("CORE", "TASK"):
            chosen = {"InstanceFleetType": role} if by_fleet == "INSTANCE_FLEET" else {"InstanceGroupTypes": [role]}
            found += _instances(aws, cluster, **chosen)
        return [_node(each) for each in found]


def mean_cores(nodes: Sequence[Node], begin: datetime, end: datetime) -> float:
    """Return how many virtual CPUs nodes had over a time, the mean: nodes come and go."""
    length = (end - begin).total_seconds()
    if length <= 0:
        return 0.0
    worked = 0.0
    for node in nodes:
        shared = (min(node.end or end, end) - max(node.begin, begin)).total_seconds()
        worked += max(0.0, shared) * INSTANCE_TYPES[node.instance_type].virtual_cpus
    return worked / length


def last_speed(aws: Aws, instance_type: str) -> Speed | None:
    """Return the speed of the last complete run on workers of one type only, None if there is none."""
    for past in past_runs(aws, MOST_CLUSTERS):
        if past.state != "COMPLETED" or past.begin is None or past.end is None or not past.output:
            continue
        workers = nodes_of(aws, past.cluster, workers_only=True)
        if {node.instance_type for node in workers} != {instance_type}:
            continue
        bucket, _, folder = past.output.removeprefix("s3://").partition("/")
        manifest = manifest_if_there(aws, bucket, folder.rstrip("/"))
        if manifest is None:
            continue
        speed = measured(
            manifest, mean_cores(workers, past.begin, past.end), f"the run '{past.run}' on {instance_type}"
        )
        if speed is not None:
            return speed
    return None


def expected_speed(aws: Aws, instance_type: str) -> Speed:
    """Return the speed to reckon with on workers of a type: that of the last run, else our benchmark's.

    A speed that AWS cannot be asked for stops nobody.
    """
    try:
        return last_speed(aws, instance_type) or BENCHMARK
    except OrchardError:
        return BENCHMARK


def _instances(aws: Aws, cluster: str, **chosen: Any) -> "list[InstanceTypeDef]":  # noqa: ANN401 - EMR's own arguments
    pages = aws.emr.get_paginator("list_instances").paginate(ClusterId=cluster, **chosen)
    return [each for page in pages for each in page["Instances"]]


def _node(instance: "InstanceTypeDef") -> Node:
    timeline = instance["Status"]["Timeline"]
    return Node(
        instance["InstanceType"],
        instance.get("Market", "ON_DEMAND"),
        timeline["CreationDateTime"],
        timeline.get("EndDateTime"),
    )
