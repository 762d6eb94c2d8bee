"""``orchard status`` and ``orchard cancel``: how the cluster and its runs are, and how to stop one."""

import argparse

from infra.commands.command import Command, Surroundings
from infra.commands.run import follow_to_the_end
from infra.deploy import clusters, logs, stacks
from infra.deploy import step as steps
from infra.deploy.clusters import Cluster
from infra.deploy.diagnose import diagnose_cluster
from infra.deploy.follow import read_progress

COUNTED = "{done:,} of {total:,} photos"


def add_status_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard status``."""
    parser.add_argument("name", nargs="?", help="of a run (default: the newest)")
    parser.add_argument("--follow", action="store_true", help="stay until the run has ended")


def status(given: argparse.Namespace, around: Surroundings) -> int:
    """Say how the cluster is, and how far a run is."""
    aws = around.aws
    cluster = clusters.look(aws, stacks.cluster_id(aws))
    around.say(f"Cluster {cluster.id} ({cluster.name}): {cluster.state} {cluster.reason}".rstrip())
    if not cluster.alive:
        say_why_it_ended(around, cluster)
        if given.name is None:
            return 0
    step = steps.find(aws, cluster.id, given.name)
    bucket, results_key = stacks.data_bucket(aws), f"results/{step.run}"
    if given.follow:
        return follow_to_the_end(around, bucket, results_key, step, cluster)
    progress = read_progress(aws, bucket, results_key) if step.state == "RUNNING" else None
    how_far = ""
    if progress is not None:
        counted = COUNTED.format(done=progress.done, total=progress.total) if progress.total else ""
        how_far = f", {progress.stage} {counted}".rstrip()
    around.say(f"Run '{step.run}': {step.state}{how_far}")
    return 0


def say_why_it_ended(around: Surroundings, cluster: Cluster) -> None:
    """Say the probable reason why a cluster ended, and what to do."""
    bootstrap = {}
    if cluster.reason.startswith("BOOTSTRAP_FAILURE") and cluster.log_uri:
        bootstrap = dict(logs.bootstrap_logs(around.aws, cluster.log_uri, cluster.id))
    told = diagnose_cluster(cluster.state, cluster.reason, bootstrap)
    around.say(told.sentence)
    around.say(told.remedy)


def add_cancel_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard cancel``."""
    parser.add_argument("name", nargs="?", help="of a run (default: the newest)")


def cancel(given: argparse.Namespace, around: Surroundings) -> int:
    """Cancel a run that waits or runs."""
    cluster = stacks.cluster_id(around.aws)
    step = steps.find(around.aws, cluster, given.name)
    if step.state in steps.ENDED:
        around.say(f"The run '{step.run}' has ended already: {step.state}")
        return 0
    steps.cancel(around.aws, step)
    around.say(f"Asked EMR to cancel the run '{step.run}'. See whether it has: orchard status {step.run}")
    return 0


STATUS = Command(
    name="status",
    summary="how the cluster is, and how far a run is",
    example="orchard status first --follow",
    add_arguments=add_status_arguments,
    execute=status,
)
CANCEL = Command(
    name="cancel",
    summary="cancel a run",
    example="orchard cancel first",
    add_arguments=add_cancel_arguments,
    execute=cancel,
)
