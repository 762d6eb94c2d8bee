"""Follows a run to its end, and tells how it ended: its summary, or the probable cause of its failure."""

import re

from infra.context import Surroundings
from infra.errors import OrchardError, RunNotFinishedError, RunOnClusterFailedError, TryAgainError
from infra.runs import clusters, fetch, logs
from infra.runs.clusters import Cluster
from infra.runs.diagnose import Diagnosis, diagnose, diagnose_cluster
from infra.runs.follow import follow
from infra.runs.step import Step
from job.__main__ import summary
from job.errors.console import printable

SECONDS_FOR_LOGS = 30.0
"""Between two looks for the logs of a step that failed: EMR brings them to S3 in rounds."""

LOOKS_FOR_LOGS = 12
"""Six minutes: EMR's rounds are five minutes long."""


def follow_to_the_end(around: Surroundings, bucket: str, results_key: str, step: Step, cluster: Cluster) -> int:
    """Follow a step, and tell how it ended.

    Raises
    ------
    OrchardError
        With the probable cause, if the step did not complete or left no manifest.
    """
    step = in_sight(around, bucket, results_key, step)
    if step.state == "COMPLETED":
        manifest = fetch.manifest_if_there(around.aws, bucket, results_key, since=step.started)
        if manifest is None:
            raise RunNotFinishedError(
                f"The step of the run '{step.run}' completed, but left no manifest in s3://{bucket}/{results_key}.",
                f"See what it printed: orchard logs {step.run}",
            )
        around.terminal.write(printable(summary(manifest, f"s3://{bucket}/{results_key}")))
        around.say(f"Fetch them: orchard results {step.run}")
        return 0
    now = clusters.look(around.aws, step.cluster)
    if not now.alive and step.state != "FAILED":
        bootstrap = logs.bootstrap_logs(around.aws, now.log_uri, now.id)
        ended = diagnose_cluster(now.state, now.reason, bootstrap)
        what = "never ran" if step.started is None else "was cut off"
        raise RunOnClusterFailedError(
            f"The run '{step.run}' {what}: {ended.sentence}", f"{ended.remedy}{ended.where}", ended.code
        )
    if step.state == "CANCELLED":
        raise RunNotFinishedError(
            f"The run '{step.run}' was cancelled.", f"Go on with it: the same command with --name {step.run} --resume."
        )
    try:
        told = explain(around, step, cluster)
    except KeyboardInterrupt:
        raise RunNotFinishedError(
            f"The run '{step.run}' failed; its logs had not come yet.",
            f"Wait for them: orchard status {step.run} --follow",
        ) from None
    raise RunOnClusterFailedError(
        f"The run '{step.run}' failed: {told.sentence}", f"{told.remedy}{told.where}", told.code
    )


def in_sight(around: Surroundings, bucket: str, results_key: str, step: Step) -> Step:
    """Follow a step; return it as it ended.

    Raises
    ------
    OrchardError
        If it is lost from sight, which does not stop it: whoever reads that must learn that it goes on.
    """
    try:
        return follow(around.aws, bucket, results_key, step, around.terminal, around.sleep)
    except OrchardError as error:
        come_back = f"Come back: orchard status {step.run} --follow"
        raise type(error)(
            f"{error.what} The run '{step.run}' goes on, and so does its cost.",
            # The same command again would be another run.
            come_back if isinstance(error, TryAgainError) else f"{error.remedy}    {come_back}",
        ) from error
    except KeyboardInterrupt:
        raise RunNotFinishedError(
            f"No longer following '{step.run}'; the step goes on, and so does its cost.",
            f"Come back: orchard status {step.run} --follow    Cancel it: orchard cancel {step.run}",
        ) from None


def explain(around: Surroundings, step: Step, cluster: Cluster) -> Diagnosis:
    """Return the probable cause of a step's failure, from its logs once EMR has brought them to S3."""
    if not cluster.log_uri:
        return diagnose({}, step.reason)
    for look in range(LOOKS_FOR_LOGS):
        if logs.has_come(around.aws, cluster.log_uri, cluster.id, step.id, step.ended):
            break
        if look == 0:
            around.say("The step failed; waiting for its logs.")
        around.sleep(SECONDS_FOR_LOGS)
    found = dict(logs.step_logs(around.aws, cluster.log_uri, cluster.id, step.id))
    # Only this run's containers: those of earlier runs have failures of their own.
    application = re.search(r"application_\d+_\d+", "".join(found.values()))
    if application is not None:
        found.update(logs.container_logs(around.aws, cluster.log_uri, cluster.id, application.group()))
    return diagnose(found, step.reason)
