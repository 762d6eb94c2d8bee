"""EMR: moto's clusters are ready or ended at once, and forget most of what they were asked to be.

Fleets, policies and the scale-down behaviour get lost, groups named ElasticMapReduce-* are made beside the given
ones, roles and profiles are not looked at, and no state has a reason code. The clusters of ``localcloud.emr`` take
their place.
"""

from datetime import UTC

from localcloud.emr import request, service
from localcloud.emr.cluster import Cluster
from localcloud.emr.errors import invalid, invalid_request
from localcloud.emr.service import Call, Output


def close() -> None:
    """Answer everything that concerns a cluster as a whole."""
    service.serve("RunJobFlow", run_job_flow)
    service.serve("DescribeCluster", describe_cluster)
    service.serve("ListClusters", list_clusters, pages=True)
    service.serve("ListBootstrapActions", list_bootstrap_actions, pages=True)
    service.serve("ModifyCluster", modify_cluster)
    service.serve("SetTerminationProtection", set_termination_protection)
    service.serve("SetVisibleToAllUsers", set_visible_to_all_users)
    service.serve("TerminateJobFlows", terminate_job_flows)
    service.serve("AddTags", add_tags)
    service.serve("RemoveTags", remove_tags)


def run_job_flow(call: Call) -> Output:
    """Ask for a cluster; it starts by itself from now on."""
    asked = call.request
    request.check(asked)
    profile = asked["JobFlowRole"].rsplit("/", 1)[-1]
    if service.role_of_profile(call.account, profile) is None:
        raise invalid(f"Invalid InstanceProfile: {profile}.")
    configuration = asked.get("SecurityConfiguration")
    if configuration and configuration not in call.backend.security_configurations:
        raise invalid_request(f"Security configuration with name '{configuration}' does not exist.")
    cluster = Cluster(asked, call.account, call.region, call.now)
    call.clusters[cluster.id] = cluster
    return {"JobFlowId": cluster.id, "ClusterArn": cluster.arn}


def describe_cluster(call: Call) -> Output:
    """Tell everything about a cluster."""
    cluster = call.cluster
    with cluster.lock:
        return {"Cluster": cluster.described()}


def list_clusters(call: Call) -> Output:
    """Tell which clusters there are, newest first, also those that ended."""
    states, after, before = (call.request.get(name) for name in ("ClusterStates", "CreatedAfter", "CreatedBefore"))
    found = []
    for cluster in reversed(list(call.clusters.values())):
        created = _seconds(cluster)
        wanted = not states or cluster.state in states
        if wanted and (after is None or created >= after) and (before is None or created <= before):
            found.append(cluster.summary())
    return {"Clusters": found}


def list_bootstrap_actions(call: Call) -> Output:
    """Tell a cluster's bootstrap actions."""
    actions = call.cluster.request.get("BootstrapActions", ())
    return {
        "BootstrapActions": [
            {
                "Name": action["Name"],
                "ScriptPath": action["ScriptBootstrapAction"]["Path"],
                "Args": action["ScriptBootstrapAction"].get("Args", []),
            }
            for action in actions
        ]
    }


def modify_cluster(call: Call) -> Output:
    """Change how many steps run at the same time."""
    cluster, level = call.cluster, call.request.get("StepConcurrencyLevel", 1)
    if not 1 <= level <= request.MOST_STEPS_AT_ONCE:
        raise invalid(f"The step concurrency level is between 1 and {request.MOST_STEPS_AT_ONCE}.")
    with cluster.lock:
        cluster.step_concurrency = level
    return {"StepConcurrencyLevel": level}


def set_termination_protection(call: Call) -> Output:
    """Protect clusters from being ended by a request, or do not any more."""
    for cluster in call.job_flows:
        cluster.termination_protected = call.request["TerminationProtected"]
    return {}


def set_visible_to_all_users(call: Call) -> Output:
    """Change nothing, as on AWS: who has the permission sees every cluster of the account."""
    _ = call.job_flows
    return {}


def terminate_job_flows(call: Call) -> Output:
    """Begin to end clusters; the protected ones go on, and the request is refused for their sake."""
    clusters = call.job_flows
    for cluster in clusters:
        with cluster.lock:
            if not cluster.termination_protected:
                cluster.terminate("USER_REQUEST", "Terminated by user request", call.now)
    if any(cluster.termination_protected and not cluster.is_ending for cluster in clusters):
        raise invalid("Could not shut down one or more job flows since they are termination protected.")
    return {}


def add_tags(call: Call) -> Output:
    """Add tags to a cluster."""
    call.cluster.tags.update({each["Key"]: each.get("Value", "") for each in call.request["Tags"]})
    return {}


def remove_tags(call: Call) -> Output:
    """Take tags from a cluster."""
    cluster = call.cluster
    for key in call.request["TagKeys"]:
        cluster.tags.pop(key, None)
    return {}


def _seconds(cluster: Cluster) -> float:
    return cluster.created.replace(tzinfo=UTC).timestamp()
