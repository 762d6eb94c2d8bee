"""``orchard logs``: what a run's driver printed, and where the rest is."""

import argparse

from infra.commands import Command
from infra.context import Context
from infra.runs import clusters, history, logs, steps


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="of a run (default: the newest)")
    parser.add_argument("--containers", action="store_true", help="what the executors wrote to standard error, too")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print a run's logs."""
    aws = context.aws
    # A cluster that has been destroyed leaves its logs, and no reason to make a new one for them.
    cluster = clusters.look(aws, history.cluster_of(aws, given.name))
    clusters.require_known(cluster)
    step = steps.find(aws, cluster.id, given.name)
    found = dict(logs.step_logs(aws, cluster.log_uri, cluster.id, step.id))
    if given.containers:
        found.update(logs.container_logs(aws, cluster.log_uri, cluster.id))
    if not found:
        context.say(f"EMR has not brought the logs of '{step.run}' to S3 yet: it does so every five minutes.")
    for uri, text in found.items():
        context.say(f"==> {uri} <==", text.rstrip("\n"))
    context.say(f"All logs of the cluster: {cluster.log_uri}{cluster.id}/")
    return 0


COMMAND = Command(
    name="logs",
    summary="what a run printed",
    example="orchard logs first --containers",
    add_arguments=_add_arguments,
    execute=execute,
)
