"""The EMR step that runs the job: make, attach, find and cancel it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from infra import invocation
from infra.aws import Aws, explained
from infra.errors import RunNotFinishedError, RunUnknownError
from job.storage import split_s3

if TYPE_CHECKING:
    from mypy_boto3_emr.type_defs import StepConfigTypeDef, StepSummaryTypeDef

PREFIX = "orchard "
"""Of a step's name in EMR, before the name of the run."""

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


@dataclass(frozen=True)
class Step:
    """An attached step."""

    cluster: str
    id: str
    run: str
    state: str
    reason: str  # why it is in this state, in EMR's words; empty where EMR says nothing
    arguments: tuple[str, ...]  # the command line that the step runs
    # When it began to run; None while it waits. What a folder of results held before is of another run.
    started: datetime | None = None
    ended: datetime | None = None  # when it came into its last state; None while it waits or runs

    @property
    def results(self) -> tuple[str, str]:
        """Bucket and key of the folder where its results go; empty where the step names none."""
        bucket, key = split_s3(output_of(self.arguments))
        return bucket, key.rstrip("/")


def step_configuration(
    run: str, archive_uri: str, main_uri: str, job_arguments: Sequence[str], spark: Mapping[str, str] | None = None
) -> "StepConfigTypeDef":
    """Return the step that runs the job.

    The driver runs on the primary node (client mode), not inside YARN: what it prints is then the step's own
    stdout and stderr, which EMR keeps under the step's id, and no Spot node can take it away.
    """
    settings = [word for name, value in (spark or {}).items() for word in ("--conf", f"{name}={value}")]
    return {
        "Name": PREFIX + run,
        # A failed run says why and leaves the cluster to the next one.
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": [
                *("spark-submit", "--deploy-mode", "client", "--name", PREFIX + run),
                *settings,
                *("--py-files", archive_uri, main_uri),
                *job_arguments,
            ],
        },
    }


def output_of(arguments: Sequence[str]) -> str:
    """Return the URI where a step's results go, empty where its command line names none."""
    words = iter(arguments)
    for word in words:
        if word == "--output":
            return next(words, "")
        if word.startswith("--output="):
            return word.removeprefix("--output=")
    return ""


def attach(aws: Aws, cluster: str, configuration: "StepConfigTypeDef") -> str:
    """Attach a step to a cluster; return its id."""
    with explained(f"attach the step to the cluster {cluster}"):
        return aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[configuration])["StepIds"][0]


def find(aws: Aws, cluster: str, run: str | None = None) -> Step:
    """Return the newest step of a run, or the newest of all our runs."""
    ours = runs_of(aws, cluster)
    matching = [step for step in ours if run is None or step.run == run]
    if not matching:
        names = ", ".join(dict.fromkeys(step.run for step in ours))
        raise RunUnknownError(
            f"There is no run '{run}' on the cluster {cluster}."
            if run
            else f"The cluster {cluster} has run nothing yet.",
            f"Its runs: {names}." if names else f"Start one: {invocation.orchard('run --images SET --on emr')}",
        )
    return matching[0]


def runs_of(aws: Aws, cluster: str) -> list[Step]:
    """Return the steps of all our runs on a cluster, newest first."""
    with explained(f"list the steps of the cluster {cluster}"):
        pages = aws.emr.get_paginator("list_steps").paginate(ClusterId=cluster)
        return [
            _step(cluster, summary) for page in pages for summary in page["Steps"] if summary["Name"].startswith(PREFIX)
        ]


def active_runs(aws: Aws, cluster: str) -> list[str]:
    """Return the names of all steps that wait or run on a cluster, ours without their prefix."""
    with explained(f"list the steps of the cluster {cluster}"):
        pages = aws.emr.get_paginator("list_steps").paginate(
            ClusterId=cluster, StepStates=["PENDING", "CANCEL_PENDING", "RUNNING"]
        )
        return [summary["Name"].removeprefix(PREFIX) for page in pages for summary in page["Steps"]]


def look(aws: Aws, cluster: str, step_id: str) -> Step:
    """Return the current state of a step."""
    with explained(f"look at the step {step_id}"):
        described = aws.emr.describe_step(ClusterId=cluster, StepId=step_id)["Step"]
    return _step(cluster, described)


def cancel(aws: Aws, step: Step) -> None:
    """Cancel a step, whether it waits or runs."""
    with explained(f"cancel the step {step.id}"):
        answered = aws.emr.cancel_steps(
            ClusterId=step.cluster, StepIds=[step.id], StepCancellationOption="SEND_INTERRUPT"
        )["CancelStepsInfoList"]
    # The call itself succeeds for steps that are not cancelled, too.
    refusals = [each.get("Reason", "it gives no reason.") for each in answered if each.get("Status") == "FAILED"]
    if refusals:
        raise RunNotFinishedError(
            f"EMR does not cancel the run '{step.run}': {refusals[0]}",
            f"See its state: {invocation.orchard(f'status {step.run}')}",
        )


def _step(cluster: str, summary: "StepSummaryTypeDef") -> Step:
    status = summary["Status"]
    timeline = status.get("Timeline", {})
    details = status.get("FailureDetails", {})
    reason = details.get("Reason") or status.get("StateChangeReason", {}).get("Message", "")
    return Step(
        cluster,
        summary["Id"],
        summary["Name"].removeprefix(PREFIX),
        status["State"],
        reason,
        tuple(summary["Config"].get("Args", ())),
        timeline.get("StartDateTime"),
        timeline.get("EndDateTime"),
    )
