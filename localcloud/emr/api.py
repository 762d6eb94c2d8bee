"""EMR's API: answers its operations from the clusters of the local cloud.

Only auto-termination has an effect here, see ``Cluster.end_if_done``; managed scaling is kept with its cluster.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from localcloud.emr import service, validation
from localcloud.emr.cluster import Cluster
from localcloud.emr.service import Call
from localcloud.emr.validation import invalid, invalid_request

Output = Mapping[str, Any]
"""The API's output for a request."""

Answer = Callable[[Call], Output]


def _run_job_flow(call: Call) -> Output:
    asked = call.request
    validation.check(asked)
    profile = asked["JobFlowRole"].rsplit("/", 1)[-1]
    if service.role_of_profile(call.account, profile) is None:
        raise invalid(f"Invalid InstanceProfile: {profile}.")
    configuration = asked.get("SecurityConfiguration")
    if configuration and configuration not in call.backend.security_configurations:
        raise invalid_request(f"Security configuration with name '{configuration}' does not exist.")
    cluster = Cluster(asked, call.account, call.region, call.now)
    call.clusters[cluster.id] = cluster
    return {"JobFlowId": cluster.id, "ClusterArn": cluster.arn}


def _describe_cluster(call: Call) -> Output:
    cluster = call.cluster
    with cluster.lock:
        return {"Cluster": cluster.described()}


def _list_clusters(call: Call) -> Output:
    states, after, before = (call.request.get(name) for name in ("ClusterStates", "CreatedAfter", "CreatedBefore"))
    found = []
    for cluster in reversed(list(call.clusters.values())):
        created = _seconds(cluster)
        wanted = not states or cluster.state in states
        if wanted and (after is None or created >= after) and (before is None or created <= before):
            found.append(cluster.summary())
    return {"Clusters": found}


def _list_bootstrap_actions(call: Call) -> Output:
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


def _modify_cluster(call: Call) -> Output:
    cluster, level = call.cluster, call.request.get("StepConcurrencyLevel", 1)
    if not 1 <= level <= validation.MOST_STEPS_AT_ONCE:
        raise invalid(f"The step concurrency level is between 1 and {validation.MOST_STEPS_AT_ONCE}.")
    with cluster.lock:
        cluster.step_concurrency = level
    return {"StepConcurrencyLevel": level}


def _set_termination_protection(call: Call) -> Output:
    for cluster in call.job_flows:
        cluster.termination_protected = call.request["TerminationProtected"]
    return {}


def _set_visible_to_all_users(call: Call) -> Output:
    """Change nothing, as on AWS: every principal with the permission sees every cluster of the account."""
    _ = call.job_flows
    return {}


def _terminate_job_flows(call: Call) -> Output:
    """Terminate the clusters that are not protected; refuse the request if one is."""
    clusters = call.job_flows
    for cluster in clusters:
        with cluster.lock:
            if not cluster.termination_protected:
                cluster.terminate("USER_REQUEST", "Terminated by user request", call.now)
    if any(cluster.termination_protected and not cluster.is_ending for cluster in clusters):
        raise invalid("Could not shut down one or more job flows since they are termination protected.")
    return {}


def _add_tags(call: Call) -> Output:
    call.cluster.tags.update({each["Key"]: each.get("Value", "") for each in call.request["Tags"]})
    return {}


def _remove_tags(call: Call) -> Output:
    cluster = call.cluster
    for key in call.request["TagKeys"]:
        cluster.tags.pop(key, None)
    return {}


def _seconds(cluster: Cluster) -> float:
    return cluster.created.replace(tzinfo=UTC).timestamp()


def _add_job_flow_steps(call: Call) -> Output:
    cluster = call.cluster
    with cluster.lock:
        return {"StepIds": [step.id for step in cluster.add_steps(call.request["Steps"], call.now)]}


def _cancel_steps(call: Call) -> Output:
    cluster, results = call.cluster, []
    with cluster.lock:
        steps = [cluster.step(each) for each in call.request["StepIds"]]
        for step in steps:
            why_not = cluster.cancel(step, call.request.get("StepCancellationOption", ""), call.now)
            results.append(
                {"StepId": step.id, "Status": "FAILED" if why_not else "SUBMITTED"}
                | ({"Reason": why_not} if why_not else {})
            )
    return {"CancelStepsInfoList": results}


def _describe_step(call: Call) -> Output:
    cluster = call.cluster
    with cluster.lock:
        return {"Step": cluster.step(call.request["StepId"]).described()}


def _list_steps(call: Call) -> Output:
    cluster, ids, states = call.cluster, call.request.get("StepIds"), call.request.get("StepStates")
    with cluster.lock:
        return {
            "Steps": [
                step.described()
                for step in reversed(cluster.steps)
                if (not ids or step.id in ids) and (not states or step.state in states)
            ]
        }


def _list_instance_fleets(call: Call) -> Output:
    cluster = call.cluster
    with cluster.lock:
        return {"InstanceFleets": [fleet.described() for fleet in cluster.fleets]}


def _modify_instance_fleet(call: Call) -> Output:
    cluster, asked = call.cluster, call.request["InstanceFleet"]
    validation.check_resize(asked)
    with cluster.lock:
        if cluster.is_ending:
            raise invalid("A job flow that is shutting down, terminated, or finished may not be modified.")
        for fleet in cluster.fleets:
            if fleet.id == asked["InstanceFleetId"]:
                fleet.resize(
                    asked.get("TargetOnDemandCapacity", fleet.on_demand),
                    asked.get("TargetSpotCapacity", fleet.spot),
                    call.now,
                )
                return {}
    raise invalid_request(f"Instance fleet id '{asked['InstanceFleetId']}' is not valid.")


def _list_instances(call: Call) -> Output:
    if call.request.get("InstanceGroupId") or call.request.get("InstanceGroupTypes"):
        raise invalid_request("Instance fleets and instance groups are mutually exclusive.")
    cluster, states = call.cluster, call.request.get("InstanceStates")
    kind, wanted = call.request.get("InstanceFleetType"), call.request.get("InstanceFleetId")
    with cluster.lock:
        return {
            "Instances": [
                node.described(fleet.id)
                for fleet in cluster.fleets
                if kind in (None, fleet.kind) and wanted in (None, fleet.id)
                for node in fleet.nodes
                if not states or node.state in states
            ]
        }


def _policy_answers(name: str, check: Callable[[Mapping[str, Any]], None]) -> Mapping[str, Answer]:
    """Return the operations that put, get and remove a policy of a cluster; ``check`` refuses a wrong one."""

    def put(call: Call) -> Output:
        cluster, policy = call.cluster, call.request.get(name, {})
        check(policy)
        cluster.policies[name] = policy
        return {}

    def get(call: Call) -> Output:
        policy = call.cluster.policies.get(name)
        return {name: policy} if policy else {}

    def remove(call: Call) -> Output:
        call.cluster.policies.pop(name, None)
        return {}

    return {f"Put{name}": put, f"Get{name}": get, f"Remove{name}": remove}


def _list_security_configurations(call: Call) -> Output:
    return {
        "SecurityConfigurations": [
            {"Name": each.name, "CreationDateTime": each.creation_date_time}
            for each in call.backend.security_configurations.values()
        ]
    }


ANSWERS: Mapping[str, Answer] = {
    "RunJobFlow": _run_job_flow,
    "DescribeCluster": _describe_cluster,
    "ListClusters": _list_clusters,
    "ListBootstrapActions": _list_bootstrap_actions,
    "ModifyCluster": _modify_cluster,
    "SetTerminationProtection": _set_termination_protection,
    "SetVisibleToAllUsers": _set_visible_to_all_users,
    "TerminateJobFlows": _terminate_job_flows,
    "AddTags": _add_tags,
    "RemoveTags": _remove_tags,
    "AddJobFlowSteps": _add_job_flow_steps,
    "CancelSteps": _cancel_steps,
    "DescribeStep": _describe_step,
    "ListSteps": _list_steps,
    "ListInstanceFleets": _list_instance_fleets,
    "ModifyInstanceFleet": _modify_instance_fleet,
    "ListInstances": _list_instances,
    **_policy_answers("AutoTerminationPolicy", validation.check_auto_termination),
    **_policy_answers("ManagedScalingPolicy", validation.check_managed_scaling),
    "ListSecurityConfigurations": _list_security_configurations,
}

PAGED = frozenset(
    {
        "ListClusters",
        "ListBootstrapActions",
        "ListSteps",
        "ListInstanceFleets",
        "ListInstances",
        "ListSecurityConfigurations",
    }
)
"""Operations whose output comes in pages."""

PAGE = 50
"""Entries of a page, as in EMR."""


def page(output: Output, marker: str | None) -> dict[str, Any]:
    """Return one page of an output that has a single list; the marker is the number of its first entry."""
    ((name, entries),) = output.items()
    if marker is not None and not (marker.isdecimal() and int(marker) < len(entries)):
        raise invalid_request(f"Marker '{marker}' is not valid.")
    start = int(marker or 0)
    end = start + PAGE
    return {name: entries[start:end], **({"Marker": str(end)} if end < len(entries) else {})}
