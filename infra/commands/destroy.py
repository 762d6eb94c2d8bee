"""``orchard destroy``: takes down everything that costs, then looks whether anything is left."""

import argparse
from collections.abc import Sequence

from infra import invocation
from infra.aws import cdk, explained, stacks
from infra.commands import Command, kept_buckets
from infra.context import Context
from infra.errors import (
    DeploymentFailedError,
    StackStaysError,
    WrongUseError,
)
from infra.runs import Cluster, clusters, steps
from infra.teardown import tagged_resources, teardown
from job.errors import OrchardError

CONFIRMATION = "delete my data"

ATTEMPTS = 3
"""How often stacks with buckets are destroyed: access logs go on arriving for a while."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--delete-data", action="store_true", help="images, results and logs, too, and every stack")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Show what will go, ask, remove it, and list what is left."""
    aws = context.aws
    standing = teardown.deployed_stacks(aws)
    going = standing if given.delete_data else [name for name in standing if name == stacks.CLUSTER]
    if not going:
        context.say("There is nothing to destroy.")
    else:
        context.say(f"This removes: {', '.join(going)}.")
        say_what_is_active(context)
        buckets = []
        if given.delete_data and stacks.DATA in going:
            buckets = [stacks.data_bucket(aws), stacks.logs_bucket(aws)]
            context.say(f"It deletes everything in {buckets[0]} and {buckets[1]}, for good.")
            kept_buckets.say_what_stays_kept(context)
        if not given.yes:
            ask(context, CONFIRMATION if buckets else "yes")
        if stacks.CLUSTER in going:
            destroy_cluster(context)
        if buckets:
            delete_data(context, buckets)
        others = [name for name in going if name != stacks.CLUSTER]
        if others:
            destroy_the_rest(context, others, buckets)
    say_what_is_left(context)
    return 0


def say_what_is_active(context: Context) -> None:
    """Name the runs that would be lost with the cluster."""
    cluster = (stacks.outputs_if_there(context.aws, stacks.CLUSTER) or {}).get("ClusterId")
    active = steps.active_runs(context.aws, cluster) if cluster and clusters.look(context.aws, cluster).alive else []
    if active:
        context.say(f"The cluster is busy with runs that are lost with it: {', '.join(active)}.")


def ask(context: Context, wanted: str) -> None:
    """Raise WrongUseError unless the person types exactly what is wanted."""
    context.say(f"Type '{wanted}' to go on:")
    if context.keyboard.readline().strip() != wanted:
        raise WrongUseError("Nothing was removed.", "Type the same command again, or add --yes.")


def destroy_cluster(context: Context) -> None:
    """Destroy the cluster's stack, wait until EMR has ended the cluster, and sweep what EMR left."""
    aws = context.aws
    found = stacks.outputs_if_there(aws, stacks.CLUSTER)
    if found and "ClusterId" in found:
        cluster = clusters.look(aws, found["ClusterId"])
        if cluster.alive:
            # Ended first, so that its nodes are gone when CloudFormation comes to the network.
            with explained(f"end the cluster {cluster.id}"):
                aws.emr.terminate_job_flows(JobFlowIds=[cluster.id])
        teardown.wait_until_ended(aws, cluster.id, context.clock, context.sleep)
        context.say(f"The cluster {cluster.id} has ended.")
    try:
        delete_stack(context, stacks.CLUSTER)
    except StackStaysError as failure:
        context.say(failure.message)
        # What EMR left may be what stands in the way.
        try:
            sweep(context)
        except OrchardError as error:
            context.say(f"What EMR left stays for now: {error.message}")
        delete_stack(context, stacks.CLUSTER)
    sweep(context)


def delete_stack(context: Context, name: str) -> None:
    """Delete a stack, and say so before and after: it takes minutes."""
    context.say(f"CloudFormation deletes {name}.")
    teardown.delete_stack(context.aws, name, context.clock, context.sleep)
    context.say(f"{name} is gone.")


def sweep(context: Context) -> None:
    """Remove what EMR left."""
    swept = teardown.sweep_security_groups(context.aws)
    if swept:
        context.say(f"Removed what EMR had left: {', '.join(swept)}.")


def delete_data(context: Context, buckets: Sequence[str]) -> None:
    """Empty the buckets, and let CloudFormation delete them: a deployment with both switches, unless they were set."""
    teardown.stop_access_logs(context.aws, buckets[0])
    for bucket in buckets:
        context.say(f"{bucket}: {teardown.empty_bucket(context.aws, bucket):,} objects deleted.")
    if stacks.status(context.aws, stacks.DATA) == "DELETE_FAILED":
        return  # an earlier call came further than this, and such a stack can only be deleted
    if teardown.deletes_buckets(context.aws):
        return
    switches = {"delete_data": "true", "confirm_delete_data": "true"}
    command = cdk.deploy_command(stacks.DATA, context.aws, **switches)
    if context.call(command) != 0:
        raise DeploymentFailedError(
            f"'{' '.join(command[:3])}' failed; the CDK's own message is above.",
            "Fix the cause, then type the same command again: it goes on where it stopped.",
        )


def destroy_the_rest(context: Context, names: Sequence[str], buckets: Sequence[str]) -> None:
    """Destroy the other stacks, in order; where a log arrives in a bucket meanwhile, empty it and try again."""
    for name in names:
        for attempt in range(1, ATTEMPTS + 1):
            for bucket in buckets if name == stacks.DATA else ():
                # Logs go on arriving for a while.
                teardown.empty_bucket(context.aws, bucket)
            try:
                delete_stack(context, name)
                break
            except StackStaysError as failure:
                if attempt == ATTEMPTS:
                    raise
                context.say(f"{failure.message} Trying again.")


def destroy_when_idle(context: Context, cluster: Cluster) -> None:
    """Destroy the cluster unless anything still waits or runs on it, whoever started it."""
    later = f"Destroy it later: {invocation.orchard('destroy')}"
    try:
        active = steps.active_runs(context.aws, cluster.id)
    except OrchardError as error:
        # Do not hide the run's own failure; but the user must know that the cluster still costs.
        context.say(f"The cluster stays: {error.message} {later}")
        return
    if active:
        context.say(f"The cluster stays, for it is busy with: {', '.join(active)}. {later}")
        return
    destroy_cluster(context)


def say_what_is_left(context: Context) -> None:
    """List everything that still carries the project's tag, and how what was kept is removed."""
    left = tagged_resources.leftovers(context.aws)
    if not left:
        context.say("Nothing is left that carries the project's tag.")
        return
    standing = teardown.deployed_stacks(context.aws)
    ours = set((stacks.outputs_if_there(context.aws, stacks.DATA) or {}).values())
    for free, title in ((False, "Left, and may cost:"), (True, "Left, at no cost:")):
        alike = [each for each in left if each.free is free]
        if alike:
            context.say(title)
        for each in alike:
            context.say(f"  {each.arn}{'' if each.confirmed else ' (the tagging service says)'}")
            if each.bucket is not None and each.bucket not in ours:
                context.say(f"    of no stack any more; delete it: {kept_buckets.delete(context.aws, each.bucket)}")
    if stacks.DATA in standing or stacks.ACCESS in standing:
        command = invocation.orchard("destroy --delete-data")
        context.say(f"Buckets and the evaluator stay on purpose. Remove them too: {command}")


COMMAND = Command(
    name="destroy",
    summary="take down everything that costs; --delete-data: everything",
    example="orchard destroy",
    add_arguments=_add_arguments,
    execute=execute,
)
