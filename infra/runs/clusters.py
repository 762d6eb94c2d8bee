"""The state of a cluster, how it ended, and its scaling limits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra import invocation
from infra.aws import Aws, explained
from infra.emr import INSTANCE_TYPES, executor_size
from infra.errors import ClusterUnfitError

if TYPE_CHECKING:
    from mypy_boto3_emr.type_defs import InstanceFleetTypeDef

ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")

NAME = re.compile(r"orchard-(\d+)")
"""As the stack OrchardCluster names its clusters: after the generation."""

WORKERS = ("CORE", "TASK")
"""Kinds of fleets and groups whose nodes run Spark tasks."""

FORGOTTEN = "it forgets a cluster two months after the end"
"""Why a cluster that ended long ago has no reason, name or logs."""


@dataclass(frozen=True)
class Cluster:
    """A cluster as EMR describes it now."""

    id: str
    name: str
    state: str
    reason: str  # why it is in this state, in EMR's words; may be empty
    log_uri: str  # folder of its logs, with a slash at the end; empty if it has none
    has_fleets: bool = False  # whether its nodes are in instance fleets, as in our stack

    @property
    def alive(self) -> bool:
        """Whether it accepts steps."""
        return self.state in ALIVE

    @property
    def forgotten(self) -> bool:
        """Whether EMR no longer knows it and its runs."""
        return not self.name

    @property
    def generation(self) -> int:
        """The setting ``generation`` in its name; CloudFormation replaces the cluster if it is raised."""
        match = NAME.fullmatch(self.name)
        return int(match.group(1)) if match else 1


def look(aws: Aws, cluster_id: str) -> Cluster:
    """Return the current state of a cluster; one that EMR has forgotten counts as ended."""
    with explained(f"look at the cluster {cluster_id}"):
        try:
            described = aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        except ClientError as error:
            if "is not valid" in error.response["Error"].get("Message", ""):
                return Cluster(cluster_id, "", "TERMINATED", f"EMR no longer knows it, {FORGOTTEN}", "")
            raise
    status = described["Status"]
    change = status.get("StateChangeReason", {})
    reason = ": ".join(filter(None, [change.get("Code", ""), change.get("Message", "")]))
    log_uri = described.get("LogUri", "").replace("s3n://", "s3://")
    return Cluster(
        cluster_id,
        described["Name"],
        status["State"],
        reason,
        log_uri and log_uri.rstrip("/") + "/",
        described.get("InstanceCollectionType") == "INSTANCE_FLEET",
    )


def require_known(cluster: Cluster) -> None:
    """Raise ClusterUnfitError if EMR has forgotten a cluster."""
    if cluster.forgotten:
        raise ClusterUnfitError(f"EMR no longer knows the cluster {cluster.id}: {FORGOTTEN}.", _make_a_new_one())


def require_alive(cluster: Cluster) -> None:
    """Raise ClusterUnfitError if a cluster does not accept steps."""
    if cluster.alive:
        return
    because = f" ({cluster.reason})" if cluster.reason else ""
    raise ClusterUnfitError(
        f"A running cluster is required, but {cluster.id} has ended: {cluster.state}{because}.",
        _make_a_new_one(),
    )


def _make_a_new_one() -> str:
    return f"Create a new one: {invocation.orchard('up')}"


def scaling_limits(aws: Aws, cluster: str) -> dict[str, Any] | None:
    """Return the limits of managed scaling, with EMR's names; None for a cluster of fixed size."""
    with explained(f"look at the limits of the cluster {cluster}"):
        policy = aws.emr.get_managed_scaling_policy(ClusterId=cluster).get("ManagedScalingPolicy", {})
    limits = policy.get("ComputeLimits")
    return dict(limits) if limits else None


def worker_fleets(aws: Aws, cluster: str) -> "Mapping[str, InstanceFleetTypeDef]":
    """Return the fleets of core and task nodes by their kind."""
    with explained(f"look at the nodes of the cluster {cluster}"):
        pages = aws.emr.get_paginator("list_instance_fleets").paginate(ClusterId=cluster)
        fleets = [fleet for page in pages for fleet in page["InstanceFleets"]]
    return {fleet["InstanceFleetType"]: fleet for fleet in fleets if fleet["InstanceFleetType"] in WORKERS}


def most_executors(limits: Mapping[str, Any] | None, fleets: "Sequence[InstanceFleetTypeDef]") -> int | None:
    """Return how many executors fit on the most nodes that a cluster may have.

    The type with the most room counts: a limit that is too high is harmless, because YARN starts only what fits.
    """
    types = {each["InstanceType"] for fleet in fleets for each in fleet.get("InstanceTypeSpecifications", ())}
    room = [executor_size(INSTANCE_TYPES[name]).executors for name in types if name in INSTANCE_TYPES]
    if not room:
        return None
    # Every node is one unit of its fleet.
    as_set = sum(fleet.get("TargetOnDemandCapacity", 0) + fleet.get("TargetSpotCapacity", 0) for fleet in fleets)
    return max(as_set, limits["MaximumCapacityUnits"] if limits else 0) * max(room)


def spark_settings(aws: Aws, cluster: Cluster) -> Mapping[str, str]:
    """Return Spark's settings for a cluster that may have grown since its own defaults were written."""
    if not cluster.has_fleets:
        return {}
    most = most_executors(scaling_limits(aws, cluster.id), list(worker_fleets(aws, cluster.id).values()))
    return {} if most is None else {"spark.dynamicAllocation.maxExecutors": str(most)}
