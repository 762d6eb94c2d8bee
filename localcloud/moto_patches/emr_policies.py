"""EMR: moto answers 500 to the policies of auto-termination and managed scaling."""

from localcloud.emr import request, service
from localcloud.emr.service import Call, Output


def close() -> None:
    """Keep both policies with their cluster; only auto-termination does something, see ``Cluster.end_if_done``."""
    service.serve("PutAutoTerminationPolicy", put_auto_termination)
    service.serve("GetAutoTerminationPolicy", get_auto_termination)
    service.serve("RemoveAutoTerminationPolicy", remove_auto_termination)
    service.serve("PutManagedScalingPolicy", put_managed_scaling)
    service.serve("GetManagedScalingPolicy", get_managed_scaling)
    service.serve("RemoveManagedScalingPolicy", remove_managed_scaling)


def put_auto_termination(call: Call) -> Output:
    """Set after how many idle seconds a cluster ends itself."""
    cluster, policy = call.cluster, call.request.get("AutoTerminationPolicy", {})
    request.check_auto_termination(policy)
    cluster.auto_termination = policy
    return {}


def get_auto_termination(call: Call) -> Output:
    """Tell after how many idle seconds a cluster ends itself."""
    policy = call.cluster.auto_termination
    return {"AutoTerminationPolicy": policy} if policy else {}


def remove_auto_termination(call: Call) -> Output:
    """Let a cluster idle for ever."""
    call.cluster.auto_termination = None
    return {}


def put_managed_scaling(call: Call) -> Output:
    """Set between which limits EMR adds and removes nodes."""
    cluster, policy = call.cluster, call.request["ManagedScalingPolicy"]
    request.check_managed_scaling(policy)
    cluster.managed_scaling = policy
    return {}


def get_managed_scaling(call: Call) -> Output:
    """Tell between which limits EMR adds and removes nodes."""
    policy = call.cluster.managed_scaling
    return {"ManagedScalingPolicy": policy} if policy else {}


def remove_managed_scaling(call: Call) -> Output:
    """Let a cluster keep its size."""
    call.cluster.managed_scaling = None
    return {}
