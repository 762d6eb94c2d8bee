"""The EMR step that runs the job: make, attach, find and cancel it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from infra import invocation
from infra.aws import Aws, explained
from infra.errors import RunNotFinishedError, RunUnknownError
from job.errors import did_you_mean
from job.storage import split_s3

if TYPE_CHECKING:
    from mypy_boto3_emr.type_defs import StepConfigTypeDef, StepSummaryTypeDef

PREFIX = "orchard "
"""Of a step's name in EMR, before the name of the run."""

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


_STATES = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "CANCEL_PENDING": "cancelled",
    "COMPLETED": "finished",
    "CANCELLED": "cancelled",
    "FAILED": "failed",
    "INTERRUPTED": "cancelled",
}
"""EMR's states of a step, in the words of the commands."""


@dataclass(frozen=True)
class Step:
    """An attached step."""

    cluster: str
    id: str
    run: str
    state: str
    reason: str  # why it is in this state, in EMR's words; may be empty
    arguments: tuple[str, ...]  # argv of the step
    # When it started to run; None while it waits. Results from before that time are of another run.
    started: datetime | None = None
    ended: datetime | None = None  # None while it waits or runs

    @property
    def results(self) -> tuple[str, str]:
        """Bucket and key of its results folder; empty if its argv names none."""
        bucket, key = split_s3(output_of(self.arguments))
        return bucket, key.rstrip("/")


def step_configuration(
    run: str, archive_uri: str, main_uri: str, job_arguments: Sequence[str], spark: Mapping[str, str] | None = None
) -> "StepConfigTypeDef":
    """Return the step that runs the job.

    The driver runs on the primary node (client mode), not inside YARN: its output is then the step's stdout and stderr,
    which EMR keeps under the step's id, and it is never lost with a Spot node.
    """
    settings = [word for name, value in (spark or {}).items() for word in ("--conf", f"{name}={value}")]
    return {
        "Name": PREFIX + run,
        # A failed run does not end the cluster, which the next run can use.
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
    """Return the URI of a step's results; empty if its argv names none."""
    left = iter(arguments)
    for argument in left:
        if argument == "--output":
            return next(left, "")
        if argument.startswith("--output="):
            return argument.removeprefix("--output=")
    return ""


def state_of(step: Step | None) -> str:
    """Return the state of a run without results, in the words of the commands; None is a run that EMR has forgotten."""
    return _STATES.get(step.state, "unfinished") if step is not None else "unfinished"


def attach(aws: Aws, cluster: str, configuration: "StepConfigTypeDef") -> str:
    """Attach a step to a cluster; return its id."""
    with explained(f"attach the step to the cluster {cluster}"):
        return aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[configuration])["StepIds"][0]


def find(aws: Aws, cluster: str, run: str | None = None) -> Step:
    """Return the newest step of a run, or the newest of all our runs."""
    ours = runs_of(aws, cluster)
    matching = [step for step in ours if run is None or step.run == run]
    if not matching:
        names = list(dict.fromkeys(step.run for step in ours))
        raise RunUnknownError(
            f"There is no run '{run}' on the cluster {cluster}."
            if run
            else f"The cluster {cluster} has not run anything yet.",
            f"{did_you_mean(run or '', names)}Runs: {', '.join(names)}."
            if names
            else f"Start one: {invocation.orchard('run --images photos/ --on emr')}",
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
    """Return the names of all waiting and running steps of a cluster, ours without their prefix."""
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
    """Cancel a waiting or running step."""
    with explained(f"cancel the step {step.id}"):
        answered = aws.emr.cancel_steps(
            ClusterId=step.cluster, StepIds=[step.id], StepCancellationOption="SEND_INTERRUPT"
        )["CancelStepsInfoList"]
    # The call also succeeds for steps that EMR does not cancel.
    refusals = [each.get("Reason", "it gives no reason.") for each in answered if each.get("Status") == "FAILED"]
    if refusals:
        raise RunNotFinishedError(
            f"EMR did not cancel the run '{step.run}': {refusals[0]}",
            f"Check its state: {invocation.orchard(f'status {step.run}')}",
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
