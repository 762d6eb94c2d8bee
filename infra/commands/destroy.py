"""``orchard destroy``: takes down everything that costs, then looks whether anything is left."""

import argparse
from collections.abc import Sequence

from infra.aws import cdk, stacks
from infra.aws.client import explained
from infra.commands import kept_buckets
from infra.commands.command import Command
from infra.context import Surroundings
from infra.errors import DeploymentFailedError, OrchardError, StackStaysError, WrongUseError
from infra.runs import clusters
from infra.runs import step as steps
from infra.teardown import tagged_resources, teardown

CONFIRMATION = "delete my data"

ATTEMPTS = 3
"""How often stacks with buckets are destroyed: access logs go on arriving for a while."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard destroy``."""
    parser.add_argument("--delete-data", action="store_true", help="images, results and logs, too, and every stack")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(given: argparse.Namespace, around: Surroundings) -> int:
    """Show what will go, ask, remove it, and list what is left."""
    aws = around.aws
    standing = teardown.standing(aws)
    going = standing if given.delete_data else [name for name in standing if name == stacks.CLUSTER]
    if not going:
        around.say("There is nothing to destroy.")
    else:
        around.say(f"This removes: {', '.join(going)}.")
        say_what_is_active(around)
        buckets = []
        if given.delete_data and stacks.DATA in going:
            buckets = [stacks.data_bucket(aws), stacks.logs_bucket(aws)]
            around.say(f"It deletes everything in {buckets[0]} and {buckets[1]}, for good.")
            kept_buckets.say_what_stays_kept(around)
        if not given.yes:
            ask(around, CONFIRMATION if buckets else "yes")
        if stacks.CLUSTER in going:
            destroy_cluster(around)
        if buckets:
            delete_data(around, buckets)
        others = [name for name in going if name != stacks.CLUSTER]
        if others:
            destroy_the_rest(around, others, buckets)
    say_what_is_left(around)
    return 0


def say_what_is_active(around: Surroundings) -> None:
    """Name the runs that would be lost with the cluster."""
    cluster = (stacks.outputs_if_there(around.aws, stacks.CLUSTER) or {}).get("ClusterId")
    active = steps.active_runs(around.aws, cluster) if cluster and clusters.look(around.aws, cluster).alive else []
    if active:
        around.say(f"The cluster is busy with runs that are lost with it: {', '.join(active)}.")


def ask(around: Surroundings, wanted: str) -> None:
    """Raise WrongUseError unless the person types exactly what is wanted."""
    around.say(f"Type '{wanted}' to go on:")
    if around.keyboard.readline().strip() != wanted:
        raise WrongUseError("Nothing was removed.", "Type the same command again, or add --yes.")


def destroy_cluster(around: Surroundings) -> None:
    """Destroy the cluster's stack, wait until EMR has ended the cluster, and sweep what EMR left."""
    aws = around.aws
    found = stacks.outputs_if_there(aws, stacks.CLUSTER)
    if found and "ClusterId" in found:
        cluster = clusters.look(aws, found["ClusterId"])
        if cluster.alive:
            # Ended first, so that its nodes are gone when CloudFormation comes to the network.
            with explained(f"end the cluster {cluster.id}"):
                aws.emr.terminate_job_flows(JobFlowIds=[cluster.id])
        teardown.wait_until_ended(aws, cluster.id, around.clock, around.sleep)
        around.say(f"The cluster {cluster.id} has ended.")
    try:
        delete_stack(around, stacks.CLUSTER)
    except StackStaysError as failure:
        around.say(failure.what)
        # What EMR left may be what stands in the way.
        try:
            sweep(around)
        except OrchardError as error:
            around.say(f"What EMR left stays for now: {error.what}")
        delete_stack(around, stacks.CLUSTER)
    sweep(around)


def delete_stack(around: Surroundings, name: str) -> None:
    """Delete a stack, and say so before and after: it takes minutes."""
    around.say(f"CloudFormation deletes {name}.")
    teardown.delete_stack(around.aws, name, around.clock, around.sleep)
    around.say(f"{name} is gone.")


def sweep(around: Surroundings) -> None:
    """Remove what EMR left."""
    swept = teardown.sweep_security_groups(around.aws)
    if swept:
        around.say(f"Removed what EMR had left: {', '.join(swept)}.")


def delete_data(around: Surroundings, buckets: Sequence[str]) -> None:
    """Empty the buckets, and let CloudFormation delete them: a deployment with both switches, unless they were set."""
    teardown.stop_access_logs(around.aws, buckets[0])
    for bucket in buckets:
        around.say(f"{bucket}: {teardown.empty_bucket(around.aws, bucket):,} objects deleted.")
    if stacks.status(around.aws, stacks.DATA) == "DELETE_FAILED":
        return  # an earlier call came further than this, and such a stack can only be deleted
    if teardown.lets_buckets_go(around.aws):
        return
    switches = {"delete_data": "true", "confirm_delete_data": "true"}
    command = cdk.deploy_command(stacks.DATA, around.aws, **switches)
    if around.call(command) != 0:
        raise DeploymentFailedError(
            f"'{' '.join(command[:3])}' failed; the CDK's own message is above.",
            "Mend it, then type the same command again: it goes on where it stopped.",
        )


def destroy_the_rest(around: Surroundings, names: Sequence[str], buckets: Sequence[str]) -> None:
    """Destroy the other stacks, in order; where a log arrives in a bucket meanwhile, empty it and try again.

    Raises
    ------
    StackStaysError
        If one still stands after ``ATTEMPTS``.
    """
    for name in names:
        for attempt in range(1, ATTEMPTS + 1):
            for bucket in buckets if name == stacks.DATA else ():
                # Logs go on arriving for a while.
                teardown.empty_bucket(around.aws, bucket)
            try:
                delete_stack(around, name)
                break
            except StackStaysError as failure:
                if attempt == ATTEMPTS:
                    raise
                around.say(f"{failure.what} Trying again.")


def say_what_is_left(around: Surroundings) -> None:
    """List everything that still carries the project's tag, and how what was kept is removed."""
    left = tagged_resources.leftovers(around.aws)
    if not left:
        around.say("Nothing is left that carries the project's tag.")
        return
    standing = teardown.standing(around.aws)
    ours = set((stacks.outputs_if_there(around.aws, stacks.DATA) or {}).values())
    for free, title in ((False, "Left, and may cost:"), (True, "Left, at no cost:")):
        alike = [each for each in left if each.free is free]
        if alike:
            around.say(title)
        for each in alike:
            around.say(f"  {each.arn}{'' if each.confirmed else ' (the tagging service says)'}")
            if each.bucket is not None and each.bucket not in ours:
                around.say(f"    of no stack any more; delete it: {kept_buckets.delete(around.aws, each.bucket)}")
    if stacks.DATA in standing or stacks.ACCESS in standing:
        around.say("Buckets and the evaluator stay on purpose. Remove them too: orchard destroy --delete-data")


COMMAND = Command(
    name="destroy",
    summary="take down everything that costs; --delete-data: everything",
    example="orchard destroy",
    add_arguments=add_arguments,
    execute=execute,
)
