"""``orchard up`` and ``orchard scale``: deploy the cluster, and change its size."""

import argparse
from collections.abc import Sequence

from infra import invocation
from infra.aws import Aws, cdk, explained, stacks
from infra.commands import Command, add_settings
from infra.commands.kept_buckets import say_what_was_kept
from infra.context import Context
from infra.doctor import planned_settings, require_deployable
from infra.errors import ClusterUnfitError, DeploymentFailedError, InterruptedCommandError, WrongUseError
from infra.runs import Cluster, clusters, explain_cluster, steps
from infra.runs.clusters import scaling_limits, worker_fleets
from infra.teardown import teardown
from job.errors import OrchardError

CLOCKS_DIFFER = 300.0
"""Seconds by which this machine's clock may be ahead of AWS'."""


def _add_up_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "override a setting of cdk.json, for instance -c task_count=4")


def up(given: argparse.Namespace, context: Context) -> int:
    """Deploy the cluster; create a new one if the old one has ended."""
    require_deployable(context.aws, planned_settings(given.settings, context.aws.region))
    settings = [word for setting in given.settings for word in ("-c", setting)]
    generation = cdk.setting("generation")
    deployed = stacks.deployed_cluster(context.aws)
    if deployed is not None:
        cluster = clusters.look(context.aws, deployed)
        if cluster.alive:
            require_idle(context.aws, cluster)
            context.say(f"The cluster {cluster.id} is {cluster.state}. Deploying changes, if there are any.")
            cluster = end_if_replaced(context, cluster, settings)
        if cluster.alive:
            # Another generation, as cdk.json may have it, would replace the living cluster.
            generation = cluster.generation
        else:
            generation = max(generation, cluster.generation) + 1
            cdk.change_setting("generation", generation)
            context.say(f"The cluster {cluster.id} has ended ({cluster.reason or cluster.state}).")
            context.say(f"Creating a new one: set generation to {generation} in cdk.json.")
    began = context.clock()
    try:
        code = context.call([*cdk.deploy_command(stacks.CLUSTER, context.aws, generation=generation), *settings])
    except KeyboardInterrupt:
        raise InterruptedCommandError(
            "Interrupted. AWS continues a deployment that has begun, and a cluster that it creates costs money.",
            f"See the cluster: {invocation.orchard('status')}. Delete it: {invocation.orchard('destroy')}",
        ) from None
    if code != 0:
        raise why_it_failed(context.aws, generation, began - CLOCKS_DIFFER)
    cluster = clusters.look(context.aws, stacks.cluster_id(context.aws))
    context.say(f"Cluster {cluster.id} ({cluster.name}): {cluster.state}")
    say_what_was_kept(context)
    return 0


def end_if_replaced(context: Context, cluster: Cluster, settings: Sequence[str]) -> Cluster:
    """End an idle cluster that the deployment would replace; return its state then.

    CloudFormation starts the new cluster before it ends the old one, and the vCPU quota may not allow both.
    """
    prepare = [*cdk.prepare_command(stacks.CLUSTER, context.aws, generation=cluster.generation), *settings]
    if context.call(prepare) != 0:
        raise DeploymentFailedError(
            "The changes of the cluster could not be prepared; the CDK's message is above.",
            f"Fix that cause, then rerun: {invocation.orchard('up')}",
        )
    if not stacks.replaces(context.aws, stacks.CLUSTER, "AWS::EMR::Cluster"):
        return cluster
    context.say(f"These changes need a new cluster. Ending {cluster.id} first, so that the quotas need not allow two.")
    teardown.end_cluster(context.aws, cluster, context.clock, context.sleep)
    return clusters.look(context.aws, cluster.id)


def why_it_failed(aws: Aws, generation: int, since: float) -> OrchardError:
    """Return the probable cause of a failed deployment: EMR's reason, if it had started a cluster.

    ``since``, when the deployment began (seconds since 1970), leaves out earlier clusters of the same generation.
    """
    failed = DeploymentFailedError(
        "The cluster could not be deployed; the CDK's message is above.",
        f"Fix that cause, then rerun: {invocation.orchard('up')}",
    )
    with explained("look for the cluster that failed"):
        listed = aws.emr.list_clusters(ClusterStates=["TERMINATED_WITH_ERRORS"])["Clusters"]
    created = {each["Id"]: each["Status"]["Timeline"]["CreationDateTime"].timestamp() for each in listed}
    ours = [each["Id"] for each in listed if each["Name"] == f"orchard-{generation}" and created[each["Id"]] >= since]
    if not ours:
        return failed
    cluster = clusters.look(aws, max(ours, key=lambda cluster: created[cluster]))
    found = explain_cluster(aws, cluster)
    return DeploymentFailedError(
        f"The cluster could not be deployed: {found.sentence}", f"{found.hint}{found.where}", found.code
    )


def require_idle(aws: Aws, cluster: Cluster) -> None:
    """Raise ClusterUnfitError while a cluster is busy: a deployment may replace it."""
    active = steps.active_runs(aws, cluster.id)
    if active:
        raise ClusterUnfitError(
            f"A deployment needs an idle cluster, but {cluster.id} is busy with: {', '.join(active)}.",
            f"Wait for the run to end, or cancel it: {invocation.orchard('cancel NAME')}",
        )


def _add_scale_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("least", metavar="MIN", type=int, help="fewest core and task nodes")
    parser.add_argument("most", metavar="MAX", type=int, help="most core and task nodes")


def scale(given: argparse.Namespace, context: Context) -> int:
    """Change the size, or the scaling limits, of a running cluster."""
    if not 1 <= given.least <= given.most:
        raise WrongUseError(
            f"MIN must be at least 1 and MAX at least MIN, got {given.least} and {given.most}.",
            f"Try {invocation.orchard('scale 1 4')}",
        )
    cluster = clusters.look(context.aws, stacks.cluster_id(context.aws))
    clusters.require_alive(cluster)
    limits = scaling_limits(context.aws, cluster.id)
    if limits is not None:
        limits |= {"MinimumCapacityUnits": given.least, "MaximumCapacityUnits": given.most}
        for name in ("MaximumCoreCapacityUnits", "MaximumOnDemandCapacityUnits"):
            if name in limits:
                limits[name] = min(limits[name], given.most)
        with explained(f"change the limits of the cluster {cluster.id}"):
            context.aws.emr.put_managed_scaling_policy(
                ClusterId=cluster.id,
                ManagedScalingPolicy={"ComputeLimits": limits},  # type: ignore[typeddict-item]
            )
        context.say(f"EMR now keeps the cluster {cluster.id} between {given.least} and {given.most} nodes.")
        return 0
    if given.least != given.most:
        one_size = invocation.orchard(f"scale {given.most} {given.most}")
        raise ClusterUnfitError(
            f"The cluster {cluster.id} has a fixed size: MIN must equal MAX, got {given.least} and {given.most}.",
            f"Choose one size: {one_size}; or deploy again: {invocation.orchard('up -c managed_scaling=true')}",
        )
    _resize(context, cluster.id, given.most)
    return 0


def _resize(context: Context, cluster: str, nodes: int) -> None:
    """Change the number of task nodes of a cluster of fixed size, on Spot or on demand as before."""
    fleets = worker_fleets(context.aws, cluster)
    core, task = fleets["CORE"], fleets.get("TASK")
    wanted = nodes - core["TargetOnDemandCapacity"]
    if task is None or wanted < 0:
        raise ClusterUnfitError(
            f"The cluster {cluster} cannot have {nodes} nodes: only its task nodes can change, if it has any.",
            f"Deploy it with another number of task nodes: {invocation.orchard('up -c task_count=2')}",
        )
    # A fleet that buys Spot nodes continues to, also if it has none now.
    on_spot = "SpotSpecification" in task.get("LaunchSpecifications", {})
    on_demand = min(task["TargetOnDemandCapacity"], wanted) if on_spot else wanted
    with explained(f"change the size of the cluster {cluster}"):
        context.aws.emr.modify_instance_fleet(
            ClusterId=cluster,
            InstanceFleet={
                "InstanceFleetId": task["Id"],
                "TargetOnDemandCapacity": on_demand,
                "TargetSpotCapacity": wanted - on_demand,
            },
        )
    context.say(f"EMR is resizing the cluster {cluster} to {nodes} nodes, {wanted} of them task nodes.")


UP = Command(
    name="up",
    summary="deploy the EMR cluster, or a new one if it has ended",
    details="Check all settings first. The cluster costs money until it has been idle for a while, or orchard destroy.",
    example="orchard up",
    add_arguments=_add_up_arguments,
    execute=up,
)
SCALE = Command(
    name="scale",
    summary="change how many nodes a running cluster has",
    details="MIN and MAX differ only for a cluster with managed_scaling.",
    example="orchard scale 2 8",
    add_arguments=_add_scale_arguments,
    execute=scale,
)
