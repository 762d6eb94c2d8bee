"""``orchard logs``: what a run printed, without Spark's own log unless it is asked for."""

import argparse
import re
from collections.abc import Iterable, Iterator

from infra import invocation
from infra.commands import Command
from infra.context import Context
from infra.errors import WrongUseError
from infra.runs import clusters, history, logs, steps

_TIME = r"\d{2,4}[/-]\d{2}[/-]\d{2}[ T]\d{2}:\d{2}:\d{2}\S*"

_SPARK = re.compile(rf"SLF4J: |WARNING: Using incubator|{_TIME} +(TRACE|DEBUG|INFO|WARN|ERROR)\b")
"""How a line of the log of Spark, Hadoop or EMR starts."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="name of a run (default: the newest)")
    parser.add_argument("--all", action="store_true", help="include Spark's own log")
    parser.add_argument("--containers", action="store_true", help="include the standard error of the executors")
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines of each log")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print a run's logs."""
    if given.tail is not None and given.tail < 1:
        raise WrongUseError(f"--tail must be at least 1, got {given.tail}.", "Choose a larger number: --tail 50")
    aws = context.aws
    # The logs of a destroyed cluster are still there: do not require a living one.
    cluster = clusters.look(aws, history.cluster_of(aws, given.name))
    clusters.require_known(cluster)
    step = steps.find(aws, cluster.id, given.name)
    found = dict(logs.step_logs(aws, cluster.log_uri, cluster.id, step.id))
    if not found:
        context.say(f"EMR has not copied the logs of '{step.run}' to S3 yet: it copies them every five minutes.")
    if given.containers:
        found.update(logs.container_logs(aws, cluster.log_uri, cluster.id))
    hidden = 0
    for uri, text in found.items():
        every = text.splitlines()
        lines = every if given.all else list(without_spark(every))
        hidden += len(every) - len(lines)
        if lines:
            context.say(f"==> {uri} <==", *lines[-given.tail if given.tail else 0 :])
    if hidden:
        whole = invocation.orchard(f"logs {step.run} --all")
        context.say(f"{hidden:,} lines of Spark's log are not shown. Show them: {whole}")
    context.say(f"All logs of the cluster: {cluster.log_uri}{cluster.id}/")
    return 0


def without_spark(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that the job printed: not those of Spark's log, nor the indented lines that continue one."""
    skipping = False
    for line in lines:
        skipping = bool(_SPARK.match(line)) or (skipping and line[:1].isspace())
        if not skipping:
            yield line


COMMAND = Command(
    name="logs",
    summary="show what a run printed",
    details="EMR copies logs to S3 every five minutes.",
    example="orchard logs first --tail 50",
    add_arguments=_add_arguments,
    execute=execute,
)
