"""How many nodes a living cluster may have, and how many executors Spark may start on them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from infra.aws.client import Aws, explained
from infra.emr.executors import executor_size
from infra.emr.instance_types import INSTANCE_TYPES

if TYPE_CHECKING:
    from mypy_boto3_emr.type_defs import InstanceFleetTypeDef

WORKERS = ("CORE", "TASK")


def scaling_limits(aws: Aws, cluster: str) -> dict[str, Any] | None:
    """Return the limits between which EMR keeps a cluster, as EMR names them; None for one of fixed size."""
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
    """Return how many executors fit on the most nodes that a cluster may have now.

    A limit that is too high does no harm, for YARN starts no more than fit; so the type with the most room counts.
    """
    types = {each["InstanceType"] for fleet in fleets for each in fleet.get("InstanceTypeSpecifications", ())}
    room = [executor_size(INSTANCE_TYPES[name]).executors for name in types if name in INSTANCE_TYPES]
    if not room:
        return None
    # Every node counts as one unit of its fleet.
    as_set = sum(fleet.get("TargetOnDemandCapacity", 0) + fleet.get("TargetSpotCapacity", 0) for fleet in fleets)
    return max(as_set, limits["MaximumCapacityUnits"] if limits else 0) * max(room)
