"""``orchard destroy``: delete everything that costs money, then list leftover resources."""

import argparse
from collections.abc import Sequence

from infra import invocation
from infra.aws import cdk, stacks
from infra.commands import Command, kept_buckets
from infra.context import Context
from infra.errors import DeploymentFailedError, StackStaysError, WrongUseError
from infra.runs import Cluster, clusters, steps
from infra.teardown import tagged_resources, teardown
from job.errors import OrchardError

CONFIRMATION = "delete my data"

ATTEMPTS = 3
"""How often stacks with buckets are deleted: access logs still arrive for a while."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--delete-data", action="store_true", help="also delete images, results, logs and every stack")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Show what will be deleted, ask, delete it, and list leftover resources."""
    aws = context.aws
    deployed = teardown.deployed_stacks(aws)
    going = deployed if given.delete_data else [name for name in deployed if name == stacks.CLUSTER]
    if not going:
        context.say("There is nothing to destroy.")
    else:
        context.say(f"This deletes the stacks {', '.join(going)}.")
        say_what_is_active(context)
        buckets = []
        if given.delete_data and stacks.DATA in going:
            buckets = [stacks.data_bucket(aws), stacks.logs_bucket(aws)]
            context.say(f"It permanently deletes everything in the buckets {buckets[0]} and {buckets[1]}.")
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
    """Print the runs that would be lost with the cluster."""
    cluster = stacks.deployed_cluster(context.aws)
    active = steps.active_runs(context.aws, cluster) if cluster and clusters.look(context.aws, cluster).alive else []
    if active:
        context.say(f"Runs in progress on the cluster will be lost: {', '.join(active)}.")


def ask(context: Context, wanted: str) -> None:
    """Raise WrongUseError unless the user types exactly what is wanted."""
    context.say(f"Type '{wanted}' to continue:")
    if context.keyboard.readline().strip() != wanted:
        raise WrongUseError(
            f"Nothing was deleted: the answer must be '{wanted}'.", "Rerun the command, or add --yes to confirm."
        )


def destroy_cluster(context: Context) -> None:
    """End the cluster, delete its stack, and delete the security groups that EMR left."""
    aws = context.aws
    deployed = stacks.deployed_cluster(aws)
    if deployed is not None:
        cluster = clusters.look(aws, deployed)
        # First, so that its nodes no longer exist when CloudFormation deletes the network.
        teardown.end_cluster(aws, cluster, context.clock, context.sleep)
        context.say(f"The cluster {cluster.id} has ended.")
    try:
        delete_stack(context, stacks.CLUSTER)
    except StackStaysError as failure:
        context.say(failure.message)
        # Perhaps because of security groups that EMR left.
        try:
            sweep(context)
        except OrchardError as error:
            context.say(f"The security groups that EMR left could not be deleted yet: {error.message}")
        delete_stack(context, stacks.CLUSTER)
    sweep(context)


def delete_stack(context: Context, name: str) -> None:
    """Delete a stack, and print that before and after: it takes minutes."""
    context.say(f"Deleting the stack {name} ...")
    teardown.delete_stack(context.aws, name, context.clock, context.sleep)
    context.say(f"{name} is deleted.")


def sweep(context: Context) -> None:
    """Delete the security groups that EMR left."""
    swept = teardown.sweep_security_groups(context.aws)
    if swept:
        context.say(f"Deleted security groups that EMR had left: {', '.join(swept)}.")


def delete_data(context: Context, buckets: Sequence[str]) -> None:
    """Empty the buckets, and let CloudFormation delete them: that takes a deployment with both switches set."""
    teardown.stop_access_logs(context.aws, buckets[0])
    for bucket in buckets:
        context.say(f"{bucket}: {teardown.empty_bucket(context.aws, bucket):,} objects deleted.")
    if stacks.status(context.aws, stacks.DATA) == "DELETE_FAILED":
        return  # an earlier call came this far, and such a stack can only be deleted
    if teardown.deletes_buckets(context.aws):
        return
    switches = {"delete_data": "true", "confirm_delete_data": "true"}
    command = cdk.deploy_command(stacks.DATA, context.aws, **switches)
    if context.call(command) != 0:
        raise DeploymentFailedError(
            f"'{' '.join(command[:3])}' failed; the CDK's own message is above.",
            "Fix that cause, then rerun the command: it continues where it stopped.",
        )


def destroy_the_rest(context: Context, names: Sequence[str], buckets: Sequence[str]) -> None:
    """Delete the other stacks, in order; retry if a log arrives in a bucket meanwhile."""
    for name in names:
        for attempt in range(1, ATTEMPTS + 1):
            for bucket in buckets if name == stacks.DATA else ():
                # Logs still arrive for a while.
                teardown.empty_bucket(context.aws, bucket)
            try:
                delete_stack(context, name)
                break
            except StackStaysError as failure:
                if attempt == ATTEMPTS:
                    raise
                context.say(f"{failure.message} Retrying.")


def destroy_when_idle(context: Context, cluster: Cluster) -> None:
    """Destroy the cluster unless any run, of any user, waits or runs on it."""
    later = f"Destroy it later: {invocation.orchard('destroy')}"
    try:
        active = steps.active_runs(context.aws, cluster.id)
    except OrchardError as error:
        # Do not hide the failure of the run; but the cluster still costs.
        context.say(f"The cluster was not destroyed: {error.message} {later}")
        return
    if active:
        context.say(f"The cluster was not destroyed, because it is busy with: {', '.join(active)}. {later}")
        return
    destroy_cluster(context)


def say_what_is_left(context: Context) -> None:
    """List everything that still has the project's tag, with the commands that delete kept buckets."""
    left = tagged_resources.leftovers(context.aws)
    if not left:
        context.say("No resource with the project's tag is left.")
        return
    deployed = teardown.deployed_stacks(context.aws)
    ours = set((stacks.outputs_if_there(context.aws, stacks.DATA) or {}).values())
    for free, title in ((False, "Left, may cost money:"), (True, "Left, free:")):
        alike = [each for each in left if each.free is free]
        if alike:
            context.say(title)
        for each in alike:
            context.say(f"  {each.arn}{'' if each.confirmed else ' (not confirmed by its service)'}")
            if each.bucket is not None and each.bucket not in ours:
                context.say(f"    no stack uses it; delete it: {kept_buckets.delete(context.aws, each.bucket)}")
    if stacks.DATA in deployed or stacks.ACCESS in deployed:
        command = invocation.orchard("destroy --delete-data")
        context.say(f"The buckets and the evaluator are kept. Delete them too: {command}")


COMMAND = Command(
    name="destroy",
    summary="delete the cluster; --delete-data deletes everything",
    details="Asks before it deletes, and lists leftover resources that may cost money.",
    example="orchard destroy",
    add_arguments=_add_arguments,
    execute=execute,
)
