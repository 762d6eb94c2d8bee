"""Follow a run to its end, and print its summary, or raise the probable cause of its failure."""

import re

from infra import invocation
from infra.context import Context
from infra.errors import RunNotFinishedError, RunOnClusterFailedError
from infra.pricing import keep_speed
from infra.runs import Cluster, Diagnosis, Step, clusters, diagnose_step, explain_cluster, fetch, follow_step, logs
from job.errors import OrchardError, TryAgainError
from job.report.summary import summary

SECONDS_FOR_LOGS = 30.0
"""Between two looks for the logs of a failed step: EMR copies them to S3 in rounds."""

LOOKS_FOR_LOGS = 12
"""Six minutes: EMR's rounds are five minutes long."""


def follow_to_the_end(context: Context, step: Step, cluster: Cluster) -> int:
    """Follow a step; print the summary of its results, or raise why there are none."""
    step = in_sight(context, step)
    if step.state == "COMPLETED":
        bucket, results_key = step.results
        manifest = fetch.manifest_if_there(context.aws, bucket, results_key, since=step.started)
        if manifest is None:
            raise RunNotFinishedError(
                f"The step of the run '{step.run}' completed, but wrote no manifest to s3://{bucket}/{results_key}.",
                f"See what it printed: {invocation.orchard(f'logs {step.run}')}",
            )
        context.say(summary(manifest, f"s3://{bucket}/{results_key}").rstrip("\n"))
        context.say(f"Fetch them: {invocation.orchard(f'results {step.run}')}")
        try:
            keep_speed(context.price_cache, context.aws, step, manifest)
        except OrchardError as error:
            # The run has succeeded all the same.
            context.say(f"Later estimates do not know the speed of this run: {error.message} [{error.code}]")
        return 0
    now = clusters.look(context.aws, step.cluster)
    if not now.alive and step.state != "FAILED":
        ended = explain_cluster(context.aws, now)
        message = "did not start" if step.started is None else "was interrupted"
        raise RunOnClusterFailedError(
            f"The run '{step.run}' {message}: {ended.sentence}", f"{ended.hint}{ended.where}", ended.code
        )
    if step.state == "CANCELLED":
        raise RunNotFinishedError(
            f"The run '{step.run}' was cancelled.",
            f"Continue it: rerun the command that started it, with --name {step.run} --resume.",
        )
    try:
        found = explain(context, step, cluster)
    except KeyboardInterrupt:
        raise RunNotFinishedError(
            f"The run '{step.run}' failed; its logs are not in S3 yet.",
            f"Wait for them: {invocation.orchard(f'status {step.run} --follow')}",
        ) from None
    raise RunOnClusterFailedError(
        f"The run '{step.run}' failed: {found.sentence}", f"{found.hint}{found.where}", found.code
    )


def in_sight(context: Context, step: Step) -> Step:
    """Follow a step; return it as it ended."""
    come_back = f"Follow it again: {invocation.orchard(f'status {step.run} --follow')}"
    try:
        return follow_step(context.aws, step, context.terminal, context.sleep)
    except OrchardError as error:
        raise type(error)(
            f"{error.message} The run '{step.run}' continues, and so does its cost.",
            # Rerunning the command would start another run.
            come_back if isinstance(error, TryAgainError) else f"{error.hint}    {come_back}",
        ) from error
    except KeyboardInterrupt:
        raise RunNotFinishedError(
            f"Stopped following '{step.run}'. The run continues, and so does its cost.",
            f"{come_back}    Cancel it: {invocation.orchard(f'cancel {step.run}')}",
        ) from None


def explain(context: Context, step: Step, cluster: Cluster) -> Diagnosis:
    """Return the probable cause of a step's failure, from its logs once EMR has copied them to S3."""
    if not cluster.log_uri:
        return diagnose_step({}, step.reason)
    for look in range(LOOKS_FOR_LOGS):
        if logs.has_come(context.aws, cluster.log_uri, cluster.id, step.id, step.ended):
            break
        if look == 0:
            context.say("The step failed. Waiting for its logs ...")
        context.sleep(SECONDS_FOR_LOGS)
    texts = dict(logs.step_logs(context.aws, cluster.log_uri, cluster.id, step.id))
    # Only the containers of this run: those of earlier runs may have failed for other reasons.
    application = re.search(r"application_\d+_\d+", "".join(texts.values()))
    if application is not None:
        texts.update(logs.container_logs(context.aws, cluster.log_uri, cluster.id, application.group()))
    return diagnose_step(texts, step.reason)
