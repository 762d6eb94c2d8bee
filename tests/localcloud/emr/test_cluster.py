"""How a cluster comes from one state into the next, with times of the test's own."""

import pytest

from localcloud.emr.cluster import Cluster
from localcloud.emr.validation import RefusedError
from tests.localcloud.emr.clusters import after, cluster, ready, step


def states(of: Cluster) -> list[str]:
    return [each.state for each in of.steps]


def test_a_cluster_starts_then_bootstraps_then_waits() -> None:
    made = cluster()
    assert made.state == "STARTING"
    made.bootstrap()
    assert made.state == "BOOTSTRAPPING"
    assert {node.state for fleet in made.fleets for node in fleet.nodes} == {"BOOTSTRAPPING"}
    made.become_ready(after(10))
    assert (made.state, made.reason) == ("WAITING", {"Message": "Cluster ready to run steps."})
    assert made.summary()["Status"]["Timeline"] == {"CreationDateTime": after(0), "ReadyDateTime": after(10)}


def test_steps_run_in_sequence_unless_concurrency_allows_more() -> None:
    made = ready(step("a"), step("b"), step("c"))
    assert [each.name for each in made.startable()] == ["a"]
    made.start(made.steps[0], after(11))
    assert made.state == "RUNNING"
    assert made.startable() == []
    made.step_concurrency = 2
    assert [each.name for each in made.startable()] == ["b"]


def test_a_step_before_the_cluster_is_ready_waits() -> None:
    made = cluster(step("a"))
    made.bootstrap()
    assert made.startable() == []


def test_a_completed_step_has_times_and_the_cluster_waits() -> None:
    made = ready(step("a"))
    made.start(made.steps[0], after(11))
    made.complete(made.steps[0], after(12))
    assert made.steps[0].described()["Status"] == {
        "State": "COMPLETED",
        "StateChangeReason": {},
        "Timeline": {"CreationDateTime": after(0), "StartDateTime": after(11), "EndDateTime": after(12)},
    }
    assert (made.state, made.reason) == ("WAITING", {"Message": "Cluster ready after last step completed."})


FAILURE = {"Reason": "Unknown Error.", "LogFile": "s3://logs/stderr.gz"}


@pytest.mark.parametrize(
    ("action", "steps_after", "state", "reason"),
    [
        ("CONTINUE", ["FAILED", "PENDING"], "RUNNING", {"Message": "Running step"}),
        ("CANCEL_AND_WAIT", ["FAILED", "CANCELLED"], "WAITING", {"Message": "Cluster ready after last step failed."}),
        (
            "TERMINATE_CLUSTER",
            ["FAILED", "CANCELLED"],
            "TERMINATING",
            {"Code": "STEP_FAILURE", "Message": "Shut down as step failed"},
        ),
        (
            "TERMINATE_JOB_FLOW",
            ["FAILED", "CANCELLED"],
            "TERMINATING",
            {"Code": "STEP_FAILURE", "Message": "Shut down as step failed"},
        ),
    ],
)
def test_a_failed_step_applies_its_action_on_failure(
    action: str, steps_after: list[str], state: str, reason: dict[str, str]
) -> None:
    made = ready(step("a", action), step("b"))
    made.start(made.steps[0], after(11))
    made.fail(made.steps[0], FAILURE, after(12))
    assert states(made) == steps_after
    assert made.steps[0].described()["Status"]["FailureDetails"] == FAILURE
    assert (made.state, made.reason) == (state, reason)


def test_a_failed_concurrent_step_ends_nothing_else() -> None:
    made = ready(step("a", "TERMINATE_CLUSTER"), step("b"), StepConcurrencyLevel=2)
    for each in made.startable():
        made.start(each, after(11))
    made.fail(made.steps[0], FAILURE, after(12))
    assert states(made) == ["FAILED", "RUNNING"]
    assert made.state == "RUNNING"


def test_refuses_other_actions_than_continue_with_concurrency() -> None:
    made = ready(StepConcurrencyLevel=2)
    with pytest.raises(RefusedError, match="The ActionOnFailure setting is not valid") as raised:
        made.add_steps([step("a", "CANCEL_AND_WAIT")], after(11))
    assert raised.value.code == "ValidationException"
    assert made.steps == []


def test_an_ending_cluster_takes_no_steps() -> None:
    made = ready()
    made.terminate("USER_REQUEST", "Terminated by user request", after(11))
    with pytest.raises(RefusedError) as raised:
        made.add_steps([step("a")], after(12))
    assert raised.value.message == "A job flow that is shutting down, terminated, or finished may not be modified."


def test_cancels_pending_steps_now_and_running_ones_later() -> None:
    made = ready(step("a"), step("b"))
    running, pending = made.steps
    made.start(running, after(11))
    assert made.cancel(pending, "", after(12)) == ""
    assert made.cancel(running, "TERMINATE_PROCESS", after(12)) == ""
    assert states(made) == ["CANCEL_PENDING", "CANCELLED"]
    assert running.cancellation == "TERMINATE_PROCESS"
    made.fail(running, FAILURE, after(13))
    assert states(made) == ["CANCELLED", "CANCELLED"]
    assert "FailureDetails" not in running.described()["Status"]
    assert made.state == "WAITING"


def test_an_ended_step_cannot_be_cancelled() -> None:
    made = ready(step("a"))
    made.start(made.steps[0], after(11))
    made.complete(made.steps[0], after(12))
    assert made.cancel(made.steps[0], "", after(13)) == ("The step is in the state COMPLETED and cannot be cancelled.")
    assert states(made) == ["COMPLETED"]


def test_ending_a_cluster_cancels_its_steps() -> None:
    made = ready(step("a"), step("b"))
    made.start(made.steps[0], after(11))
    made.terminate("USER_REQUEST", "Terminated by user request", after(12))
    assert states(made) == ["RUNNING", "CANCELLED"]
    made.fail(made.steps[0], FAILURE, after(13))
    made.finish(after(14))
    assert states(made) == ["CANCELLED", "CANCELLED"]
    assert made.summary()["Status"] == {
        "State": "TERMINATED",
        "StateChangeReason": {"Code": "USER_REQUEST", "Message": "Terminated by user request"},
        "Timeline": {"CreationDateTime": after(0), "ReadyDateTime": after(10), "EndDateTime": after(14)},
    }
    assert {node.state for fleet in made.fleets for node in fleet.nodes} == {"TERMINATED"}


@pytest.mark.parametrize("code", ["BOOTSTRAP_FAILURE", "STEP_FAILURE", "VALIDATION_ERROR"])
def test_a_failed_cluster_ends_with_errors(code: str) -> None:
    made = cluster()
    made.terminate(code, "for this reason", after(1))
    made.finish(after(2))
    assert made.state == "TERMINATED_WITH_ERRORS"


def test_the_first_reason_to_end_stays() -> None:
    made = ready()
    made.terminate("USER_REQUEST", "first", after(11))
    made.terminate("STEP_FAILURE", "second", after(12))
    assert made.reason == {"Code": "USER_REQUEST", "Message": "first"}


@pytest.mark.parametrize(("idle", "ends"), [(59.9, False), (60.0, True)])
def test_an_idle_cluster_ends_after_its_timeout(idle: float, *, ends: bool) -> None:
    made = ready(AutoTerminationPolicy={"IdleTimeout": 60})
    made.end_if_done(after(10 + idle))
    assert made.is_ending is ends


def test_running_steps_reset_the_idle_time() -> None:
    made = ready(step("a"), AutoTerminationPolicy={"IdleTimeout": 60})
    made.start(made.steps[0], after(20))
    made.end_if_done(after(500))
    assert made.state == "RUNNING"
    made.complete(made.steps[0], after(500))
    made.end_if_done(after(559))
    assert made.state == "WAITING"
    made.end_if_done(after(560))
    assert made.reason == {"Code": "USER_REQUEST", "Message": "Auto-terminated after being idle for 60 seconds"}


def test_without_a_policy_an_idle_cluster_stays() -> None:
    made = ready()
    made.end_if_done(after(10**7))
    assert made.state == "WAITING"


@pytest.mark.parametrize(("fails", "message"), [(False, "Steps completed"), (True, "Steps completed with errors")])
def test_a_transient_cluster_ends_after_its_last_step(message: str, *, fails: bool) -> None:
    made = ready(step("a"), keep=False)
    made.end_if_done(after(11))
    assert made.state == "WAITING"
    made.start(made.steps[0], after(11))
    made.end_if_done(after(11))
    assert made.state == "RUNNING"
    if fails:
        made.fail(made.steps[0], FAILURE, after(12))
    else:
        made.complete(made.steps[0], after(12))
    made.end_if_done(after(12))
    assert made.reason == {"Code": "ALL_STEPS_COMPLETED", "Message": message}


def test_a_fleet_shrinks_by_its_newest_nodes() -> None:
    made = ready()
    task = made.fleets[2]
    first = task.nodes[0].ec2_id
    task.resize(0, 3, after(20))
    assert [node.state for node in task.nodes] == ["RUNNING"] * 3
    task.resize(0, 1, after(30))
    assert [(node.state, node.ended) for node in task.nodes] == [
        ("RUNNING", None),
        ("TERMINATED", after(30)),
        ("TERMINATED", after(30)),
    ]
    assert task.nodes[0].ec2_id == first
    assert task.described()["TargetSpotCapacity"] == 1
