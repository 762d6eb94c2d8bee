"""Follows a run to its end, and tells how it ended: its summary, or the probable cause of its failure."""

import re

from infra import invocation
from infra.context import Context
from infra.errors import (
    RunNotFinishedError,
    RunOnClusterFailedError,
)
from infra.pricing import keep_speed
from infra.runs import Cluster, Diagnosis, Step, clusters, diagnose_cluster, diagnose_step, fetch, follow_step, logs
from job.errors import OrchardError, TryAgainError
from job.summary import summary

SECONDS_FOR_LOGS = 30.0
"""Between two looks for the logs of a step that failed: EMR brings them to S3 in rounds."""

LOOKS_FOR_LOGS = 12
"""Six minutes: EMR's rounds are five minutes long."""


def follow_to_the_end(context: Context, bucket: str, results_key: str, step: Step, cluster: Cluster) -> int:
    """Follow a step, and tell how it ended."""
    step = in_sight(context, bucket, results_key, step)
    if step.state == "COMPLETED":
        manifest = fetch.manifest_if_there(context.aws, bucket, results_key, since=step.started)
        if manifest is None:
            raise RunNotFinishedError(
                f"The step of the run '{step.run}' completed, but left no manifest in s3://{bucket}/{results_key}.",
                f"See what it printed: {invocation.orchard(f'logs {step.run}')}",
            )
        context.say(summary(manifest, f"s3://{bucket}/{results_key}").rstrip("\n"))
        context.say(f"Fetch them: {invocation.orchard(f'results {step.run}')}")
        keep_speed(context.price_cache, context.aws, step, manifest)
        return 0
    now = clusters.look(context.aws, step.cluster)
    if not now.alive and step.state != "FAILED":
        bootstrap = logs.bootstrap_logs(context.aws, now.log_uri, now.id)
        ended = diagnose_cluster(now.state, now.reason, bootstrap)
        message = "never ran" if step.started is None else "was cut off"
        raise RunOnClusterFailedError(
            f"The run '{step.run}' {message}: {ended.sentence}", f"{ended.hint}{ended.where}", ended.code
        )
    if step.state == "CANCELLED":
        raise RunNotFinishedError(
            f"The run '{step.run}' was cancelled.", f"Go on with it: the same command with --name {step.run} --resume."
        )
    try:
        told = explain(context, step, cluster)
    except KeyboardInterrupt:
        raise RunNotFinishedError(
            f"The run '{step.run}' failed; its logs had not come yet.",
            f"Wait for them: {invocation.orchard(f'status {step.run} --follow')}",
        ) from None
    raise RunOnClusterFailedError(
        f"The run '{step.run}' failed: {told.sentence}", f"{told.hint}{told.where}", told.code
    )


def in_sight(context: Context, bucket: str, results_key: str, step: Step) -> Step:
    """Follow a step; return it as it ended."""
    come_back = f"Come back: {invocation.orchard(f'status {step.run} --follow')}"
    try:
        return follow_step(context.aws, bucket, results_key, step, context.terminal, context.sleep)
    except OrchardError as error:
        raise type(error)(
            f"{error.message} The run '{step.run}' goes on, and so does its cost.",
            # The same command again would be another run.
            come_back if isinstance(error, TryAgainError) else f"{error.hint}    {come_back}",
        ) from error
    except KeyboardInterrupt:
        raise RunNotFinishedError(
            f"No longer following '{step.run}'; the step goes on, and so does its cost.",
            f"{come_back}    Cancel it: {invocation.orchard(f'cancel {step.run}')}",
        ) from None


def explain(context: Context, step: Step, cluster: Cluster) -> Diagnosis:
    """Return the probable cause of a step's failure, from its logs once EMR has brought them to S3."""
    if not cluster.log_uri:
        return diagnose_step({}, step.reason)
    for look in range(LOOKS_FOR_LOGS):
        if logs.has_come(context.aws, cluster.log_uri, cluster.id, step.id, step.ended):
            break
        if look == 0:
            context.say("The step failed; waiting for its logs.")
        context.sleep(SECONDS_FOR_LOGS)
    found = dict(logs.step_logs(context.aws, cluster.log_uri, cluster.id, step.id))
    # Only this run's containers: those of earlier runs have failures of their own.
    application = re.search(r"application_\d+_\d+", "".join(found.values()))
    if application is not None:
        found.update(logs.container_logs(context.aws, cluster.log_uri, cluster.id, application.group()))
    return diagnose_step(found, step.reason)
