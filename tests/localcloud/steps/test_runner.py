"""The runner with a clock, threads and processes of the test's own: nothing here waits or runs anything."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from localcloud.emr import service
from localcloud.emr.cluster import Cluster
from localcloud.emr.step import Step
from localcloud.runtime import Runtime
from localcloud.steps.process import Order, Process
from localcloud.steps.runner import StepRunner
from localcloud.steps.work import Work
from tests.localcloud.emr.clusters import after, cluster, step

FAILURE = {"Reason": "Unknown Error."}


class FakeProcess:
    """A command that ends with the exit code that is given for it."""

    def __init__(self, code: int) -> None:
        self._code = code
        self.ended_by: list[str] = []

    def wait(self) -> int:
        return self._code

    def interrupt(self) -> None:
        self.ended_by.append("interrupt")

    def kill(self) -> None:
        self.ended_by.append("kill")


class FakeWork:
    """Runs each thing as an order without content; notes what was kept."""

    def __init__(self, of: Cluster, kept: list[str]) -> None:
        self.actions = of.request.get("BootstrapActions", ())
        self._kept = kept

    def prepare(self) -> None:
        pass

    def bootstrap_order(self, _number: int) -> Order:
        return Order([], {}, Path())

    def end_bootstrap(self, _number: int, _code: int) -> None:
        pass

    def step_order(self, _step: Step) -> Order:
        return Order([], {}, Path())

    def end_step(self, _step: Step, code: int) -> Mapping[str, str]:
        return FAILURE if code else {}

    def keep_logs(self, of: Step) -> None:
        self._kept.append(f"{of.name} {of.state}")

    def clear(self, _step: Step) -> None:
        pass


class World:
    """A runner over one cluster; its exit codes are used up in turn, then 0."""

    def __init__(self, of: Cluster, folder: Path, *codes: int) -> None:
        self.cluster = of
        self.clusters = [of]
        self.time = after(0)
        self.codes = list(codes)
        self.later: list[Callable[[], None]] = []
        self.at_once = True
        self.kept: list[str] = []
        self.processes: list[FakeProcess] = []
        self.runner = StepRunner(
            "http://127.0.0.1:9",
            folder,
            Runtime(),
            clusters=lambda: self.clusters,
            clock=self._clock,
            begin=self._begin,
            spawn=self._spawn,
            work=lambda each: cast("Work", FakeWork(each, self.kept)),
            sleep=lambda _: None,
        )

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.time += timedelta(seconds=1)
            self.runner.look()

    def catch_up(self) -> None:
        waiting, self.later = self.later, []
        for function in waiting:
            function()

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.cluster.steps]

    def _clock(self) -> datetime:
        return self.time

    def _begin(self, _order: Order) -> Process:
        process = FakeProcess(self.codes.pop(0) if self.codes else 0)
        self.processes.append(process)
        return process

    def _spawn(self, function: Callable[[], None]) -> None:
        if self.at_once:
            function()
        else:
            self.later.append(function)


@pytest.fixture(autouse=True)
def _all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "what_is_wrong", lambda _cluster: "")


ACTION: dict[str, Any] = {"Name": "a", "ScriptBootstrapAction": {"Path": "s3://b/a.sh"}}


def test_a_cluster_becomes_ready_after_its_bootstrap_actions(tmp_path: Path) -> None:
    world = World(cluster(BootstrapActions=[ACTION, ACTION]), tmp_path)
    world.look()
    assert len(world.processes) == 2
    assert world.cluster.state == "WAITING"


def test_a_failed_bootstrap_action_skips_the_others(tmp_path: Path) -> None:
    made = cluster(step("a"), BootstrapActions=[ACTION, ACTION, ACTION])
    world = World(made, tmp_path, 0, 1)
    world.look(2)
    assert len(world.processes) == 2
    assert made.state == "TERMINATED_WITH_ERRORS"
    assert made.reason == {
        "Code": "BOOTSTRAP_FAILURE",
        "Message": f"On the master instance ({made.primary}), bootstrap action 2 returned a non-zero return code",
    }
    assert world.states == ["CANCELLED"]


def test_a_missing_service_role_ends_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "what_is_wrong", lambda _cluster: "EMR service role x is invalid")
    world = World(cluster(BootstrapActions=[ACTION]), tmp_path)
    world.look(2)
    assert world.processes == []
    assert world.cluster.state == "TERMINATED_WITH_ERRORS"
    assert world.cluster.reason == {"Code": "VALIDATION_ERROR", "Message": "EMR service role x is invalid"}


def test_steps_run_in_their_order(tmp_path: Path) -> None:
    world = World(cluster(step("a"), step("b")), tmp_path, 0, 5)
    world.look(3)
    assert world.states == ["COMPLETED", "FAILED"]
    assert world.cluster.steps[0].started == after(1)
    assert world.cluster.steps[1].started == after(2)
    assert world.cluster.steps[1].failure == FAILURE


def test_as_many_steps_run_at_once_as_the_cluster_allows(tmp_path: Path) -> None:
    world = World(cluster(step("a"), step("b"), step("c"), StepConcurrencyLevel=2), tmp_path)
    world.look()
    world.at_once = False
    for each in world.cluster.steps:
        each.state = "PENDING"
    world.look()
    assert world.states == ["RUNNING", "RUNNING", "PENDING"]


def test_logs_exist_at_the_steps_end_and_are_stamped_later(tmp_path: Path) -> None:
    world = World(cluster(step("a")), tmp_path)
    world.look(2)
    assert world.kept == ["a RUNNING", "a COMPLETED"]


def running(tmp_path: Path, *codes: int) -> tuple[World, FakeProcess]:
    """Return a world in which a step runs, and its process."""
    world = World(cluster(step("a"), step("b")), tmp_path, *codes)
    world.at_once = False
    world.cluster.bootstrap()
    world.cluster.become_ready(after(0))
    world.look()
    process = FakeProcess(143)
    world.runner._running[world.cluster.steps[0].id] = process
    return world, process


@pytest.mark.parametrize(
    ("option", "ended_by"), [("SEND_INTERRUPT", "interrupt"), ("", "interrupt"), ("TERMINATE_PROCESS", "kill")]
)
def test_a_running_step_is_cancelled_as_asked(option: str, ended_by: str, tmp_path: Path) -> None:
    world, process = running(tmp_path)
    world.cluster.cancel(world.cluster.steps[0], option, after(5))
    world.look()
    assert process.ended_by == [ended_by]
    assert world.states[0] == "CANCEL_PENDING"


def test_kills_a_step_that_ignores_an_interrupt(tmp_path: Path) -> None:
    world, process = running(tmp_path)
    first = world.cluster.steps[0]
    world.cluster.cancel(first, "SEND_INTERRUPT", after(5))
    world.look()
    world.runner._interrupted[first.id] -= 11
    world.look()
    assert process.ended_by == ["interrupt", "kill"]


def test_ending_a_cluster_kills_its_step_and_waits_for_it(tmp_path: Path) -> None:
    world, process = running(tmp_path, 137)
    world.cluster.terminate("USER_REQUEST", "Terminated by user request", after(5))
    world.look()
    assert process.ended_by == ["kill"]
    assert world.cluster.state == "TERMINATING"
    del world.runner._running[world.cluster.steps[0].id]
    world.catch_up()
    world.look()
    assert world.states == ["CANCELLED", "CANCELLED"]
    assert world.cluster.state == "TERMINATED"


def test_deletes_the_folder_of_an_ended_cluster(tmp_path: Path) -> None:
    world = World(cluster(), tmp_path)
    world.look()
    (tmp_path / world.cluster.id).mkdir()
    world.cluster.terminate("USER_REQUEST", "Terminated by user request", after(5))
    world.look()
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_cannot_run_fails_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Order:
        raise LookupError("the role is gone")

    monkeypatch.setattr(FakeWork, "step_order", fail)
    world = World(cluster(step("a")), tmp_path)
    world.look(2)
    assert world.states == ["FAILED"]
    assert world.cluster.steps[0].failure == {"Reason": "Unknown Error.", "Message": "the role is gone"}


def test_a_cluster_that_is_not_kept_alive_ends_by_itself(tmp_path: Path) -> None:
    world = World(cluster(step("a"), keep=False), tmp_path)
    world.look(3)
    assert world.states == ["COMPLETED"]
    assert world.cluster.state == "TERMINATED"
    assert world.cluster.reason == {"Code": "ALL_STEPS_COMPLETED", "Message": "Steps completed"}


def test_a_failure_of_one_cluster_does_not_stop_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubled = cluster()
    world = World(cluster(), tmp_path)
    world.clusters = [troubled, world.cluster]

    def look(at: Cluster) -> str:
        if at is troubled:
            raise LookupError("no such account")
        return ""

    monkeypatch.setattr(service, "what_is_wrong", look)
    world.look()
    assert (troubled.state, world.cluster.state) == ("STARTING", "WAITING")
    assert [record.args for record in caplog.records] == [(troubled.id,)]
