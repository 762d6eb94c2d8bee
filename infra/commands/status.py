"""``orchard status`` and ``orchard cancel``: show the state of the cluster and its runs, and cancel one."""

import argparse

from infra import invocation
from infra.aws import stacks
from infra.commands import Command
from infra.commands.follow_run import follow_to_the_end
from infra.context import Context
from infra.runs import Cluster, Step, clusters, explain_cluster, fetch, history, newest_cluster, read_progress, steps
from infra.standing_cost import STANDING_OUTPUT

COUNTED = "{done:,} of {total:,} photos"


def _add_status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="name of a run (default: the newest)")
    parser.add_argument("--follow", action="store_true", help="follow the run until it has ended")


def status(given: argparse.Namespace, context: Context) -> int:
    """Print the state of the cluster and of a run; of a deleted cluster what EMR remembers."""
    aws = context.aws
    cluster = clusters.look(aws, history.cluster_of(aws, given.name) if given.name else newest_cluster(aws))
    named = f"{cluster.id} ({cluster.name})" if cluster.name else cluster.id
    ended = given.name is None and not cluster.alive
    start = "No cluster is running. The last one was " if ended else "Cluster "
    context.say(f"{start}{named}: {cluster.state} {cluster.reason}".rstrip())
    if ended:
        say_why_it_ended(context, cluster)
        say_standing_cost(context)
        return 0
    if given.name is None and not given.follow and not steps.runs_of(aws, cluster.id):
        context.say(f"It has run nothing yet. Start a run: {invocation.orchard('run --images photos/ --on emr')}")
        return 0
    step = steps.find(aws, cluster.id, given.name)
    if given.follow:
        return follow_to_the_end(context, step, cluster)
    context.say(f"Run '{step.run}': {step.state}{how_far(context, step)}")
    say_what_is_next(context, step)
    return 0


def say_standing_cost(context: Context) -> None:
    """Print what the stack of an ended cluster still costs, if it is deployed."""
    usd = (stacks.outputs_if_there(context.aws, stacks.CLUSTER) or {}).get(STANDING_OUTPUT)
    if usd is not None:
        context.say(f"Its stack still costs about {usd} USD a month. Delete it: {invocation.orchard('destroy')}")


def how_far(context: Context, step: Step) -> str:
    """Return the progress of a run, empty where it has reported none."""
    progress = read_progress(context.aws, step)
    if progress is None:
        return ""
    counted = COUNTED.format(done=progress.done, total=progress.total) if progress.total else ""
    return f", {progress.stage} {counted}".rstrip()


def say_what_is_next(context: Context, step: Step) -> None:
    """Print the command to use after a run that has ended."""
    if step.state == "COMPLETED" and fetch.manifest_if_there(context.aws, *step.results, since=step.started):
        context.say(f"Fetch its results: {invocation.orchard(f'results {step.run}')}")
    elif step.state == "FAILED":
        context.say(f"See why: {invocation.orchard(f'status {step.run} --follow')}")


def say_why_it_ended(context: Context, cluster: Cluster) -> None:
    """Print why a cluster probably ended, and what to do."""
    diagnosis = explain_cluster(context.aws, cluster)
    context.say(diagnosis.sentence, f"{diagnosis.hint}{diagnosis.where}")


def _add_cancel_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="name of a run (default: the newest)")


def cancel(given: argparse.Namespace, context: Context) -> int:
    """Cancel a waiting or running run."""
    cluster = clusters.look(context.aws, history.cluster_of(context.aws, given.name))
    clusters.require_known(cluster)
    step = steps.find(context.aws, cluster.id, given.name)
    if step.state in steps.ENDED:
        context.say(f"The run '{step.run}' has already ended: {step.state}")
        return 0
    steps.cancel(context.aws, step)
    see = invocation.orchard(f"status {step.run}")
    context.say(f"Asked EMR to cancel the run '{step.run}'. Check its state: {see}")
    return 0


STATUS = Command(
    name="status",
    summary="show the state of the cluster and the progress of a run",
    details="With --follow, wait for the run and print its summary, or the cause of its failure.",
    example="orchard status first --follow",
    add_arguments=_add_status_arguments,
    execute=status,
)
CANCEL = Command(
    name="cancel",
    summary="cancel a waiting or running run",
    example="orchard cancel first",
    add_arguments=_add_cancel_arguments,
    execute=cancel,
)
