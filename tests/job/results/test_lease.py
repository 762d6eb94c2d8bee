"""Tests of job/results/lease.py: who holds an output, who is refused, and whose place is taken."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from job import storage
from job.errors import NotWrittenError, OutputInUseError, OutputRefusedError, TryAgainError, UsageError
from job.results import layout, lease, output, processes
from job.results.lease import Lease
from job.results.output import Run, open_run

RUN, OTHER = "20261120T110000-aaaaaaaa", "20261120T120000-bbbbbbbb"


def held(folder: Path, run_id: str = RUN, stage: str = "features") -> Lease:
    taken = Lease(str(folder), run_id)
    taken.say(stage, 10, 40)
    taken.renew()
    return taken


def write(folder: Path, **changes: Any) -> None:
    """Write a heartbeat of another machine's run, from just now unless the changes say otherwise."""
    now = datetime.now(UTC) + timedelta(seconds=changes.pop("later", 0))
    content = {"run_id": RUN, "stage": "features", "updated": now.isoformat(), "process": "another/1/1", **changes}
    (folder / "progress.json").write_text(json.dumps(content))


def never(_: float) -> None:
    pytest.fail("it waits")


def said_in(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "progress.json").read_text())
    return content


def test_living_run_refuses_its_output(tmp_path: Path) -> None:
    held(tmp_path)

    with pytest.raises(OutputRefusedError) as raised:
        lease.require_idle(str(tmp_path))

    assert all(value in raised.value.message for value in (str(tmp_path), RUN, "features"))
    assert raised.value.message.endswith((" 0 s ago.", " 1 s ago.", " 2 s ago."))


@pytest.mark.parametrize("stage", ["failed", "finished"])
def test_a_run_that_has_ended_holds_nothing(tmp_path: Path, stage: str) -> None:
    held(tmp_path, stage=stage)

    lease.require_idle(str(tmp_path))
    lease.take_over(str(tmp_path), pytest.fail, never)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"stage": "list", "run_id": 1, "updated": "soon"}'])
def test_invalid_heartbeat_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "progress.json").write_bytes(content)

    assert lease.holder(str(tmp_path)) is None


def test_heartbeat_without_process_counts(tmp_path: Path) -> None:
    write(tmp_path, process=None)

    with pytest.raises(OutputRefusedError):
        lease.require_idle(str(tmp_path))


def test_silent_run_loses_its_output(tmp_path: Path) -> None:
    said: list[str] = []
    slept: list[float] = []
    write(tmp_path, later=-50)

    lease.take_over(str(tmp_path), said.append, slept.append)

    assert 8 <= sum(slept) <= 12
    assert len(said) == 2
    assert all(RUN in line for line in said)


def test_watched_run_with_heartbeat_keeps_its_output(tmp_path: Path) -> None:
    write(tmp_path)

    with pytest.raises(OutputInUseError) as raised:
        lease.take_over(str(tmp_path), lambda _: None, lambda _: write(tmp_path, stage="fit"))

    assert raised.value.exit_code == 75
    assert all(value in raised.value.message for value in (str(tmp_path), RUN, "fit"))


def test_watched_run_that_ends_gives_up_its_output(tmp_path: Path) -> None:
    said: list[str] = []
    write(tmp_path)

    lease.take_over(str(tmp_path), said.append, lambda _: write(tmp_path, stage="finished"))

    assert len(said) == 1


@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_is_wrong_makes_nobody_wait_for_longer(tmp_path: Path, hours: int) -> None:
    slept: list[float] = []
    write(tmp_path, later=3600 * hours)

    lease.take_over(str(tmp_path), lambda _: None, slept.append)

    assert sum(slept) == (60 if hours > 0 else 0)


@pytest.mark.skipif(processes.this_process() is None, reason="only Linux tells when a process began")
def test_killed_process_of_this_machine_blocks_no_run(tmp_path: Path) -> None:
    take = (
        f"from job.results.lease import Lease; it = Lease({str(tmp_path)!r}, {RUN!r}); it.say('fit', 0, 0); it.renew()"
    )
    subprocess.run([sys.executable, "-c", take], check=True)
    said: list[str] = []

    lease.require_idle(str(tmp_path))
    lease.take_over(str(tmp_path), said.append, never)

    assert len(said) == 1
    assert RUN in said[0]


def test_run_notices_lost_lease_and_writes_nothing(tmp_path: Path) -> None:
    first = held(tmp_path)
    held(tmp_path, OTHER)

    with pytest.raises(OutputInUseError) as raised:
        first.require_held()
    with pytest.raises(OutputInUseError):
        first.renew()

    assert all(value in raised.value.message for value in (str(tmp_path), OTHER))
    assert said_in(tmp_path)["run_id"] == OTHER
    assert first.is_lost()


def test_a_lease_that_somebody_deleted_is_lost(tmp_path: Path) -> None:
    first = held(tmp_path)
    (tmp_path / ".lease").unlink()

    with pytest.raises(OutputInUseError):
        first.require_held()


def test_heartbeats_start_and_stop_with_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.001)
    first = held(tmp_path)
    written: list[int] = []
    enough = threading.Event()

    def count(_uri: str, _content: bytes) -> None:
        written.append(1)
        if len(written) == 3:
            enough.set()

    monkeypatch.setattr(storage, "write_bytes", count)
    with first.kept_alive():
        assert enough.wait(30)
    after = len(written)

    assert not [thread for thread in threading.enumerate() if "beat" in thread.name]
    assert len(written) == after


def test_unreachable_storage_loses_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = held(tmp_path)

    def refuse(*_: object) -> None:
        raise NotWrittenError("no", "no")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "write_bytes", refuse)
        first.renew()
    first.require_held()
    with monkeypatch.context() as patched:
        patched.setattr(storage, "read_bytes", lambda _: (_ for _ in ()).throw(OSError("no answer")))
        assert not first.is_lost()
        with pytest.raises(TryAgainError, match="no answer"):
            first.require_held()


def carry_out(run: Run) -> dict[str, Any]:
    """Do what a run does to its output, with a file that holds its id in place of features."""
    with run.progress.stage("features"):
        name = layout.data_file_name("features", run.run_id, 0, 0, "csv")
        storage.write_bytes(f"{run.output}/{name}", run.run_id.encode())
    output.begin_to_replace(run)
    storage.write_bytes(f"{run.output}/{layout.PROJECTION}", run.run_id.encode())
    manifest = {
        "schema_version": 2,
        "run_id": run.run_id,
        "counts": {"used": 1},
        "files": {"all": [{"path": name}, {"path": layout.PROJECTION}]},
    }
    return output.finish(run, manifest)


def whole_run(folder: Path, may_hold_results: bool = True) -> dict[str, Any]:
    """Run from beginning to end; return the manifest."""
    with open_run(str(folder), may_hold_results, []) as run:
        return carry_out(run)


def assert_whole(folder: Path) -> str:
    """Assert that the results in a folder are those of one run; return its id."""
    manifest = layout.read_manifest(str(folder))
    run_id = str(manifest["run_id"])
    contents = {(folder / entry["path"]).read_text() for entry in manifest["files"]["all"]}
    assert contents == {run_id}
    assert said_in(folder)["run_id"] == run_id
    assert said_in(folder)["stage"] == "finished"
    return run_id


@pytest.mark.parametrize("may_hold_results", [True, False])
def test_one_of_many_simultaneous_runs_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_hold_results: bool
) -> None:
    # Given eight runs that all look before one of them writes: nothing holds the output yet
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    all_looked, all_wrote = threading.Barrier(8), threading.Barrier(8)
    ended: list[str] = []

    def begin() -> None:
        try:
            with open_run(str(tmp_path / "results"), may_hold_results, []) as run:
                all_looked.wait(30)
                with run.progress.stage("list"):
                    all_wrote.wait(30)
                ended.append(str(carry_out(run)["run_id"]))
        except OutputInUseError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    winner = assert_whole(tmp_path / "results")
    assert sorted(ended) == sorted([winner, *[OutputInUseError.code] * 7])


@pytest.mark.parametrize("step", ["begin_to_replace", "commit"])
def test_run_presumed_dead_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    # Given a run that stands still, before or after it takes the old manifest away, for longer than a minute
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 1000.0)
    monkeypatch.setattr(lease, "LONGEST_SILENCE", 0.0)
    stood_still = getattr(output, step)
    second: list[dict[str, Any]] = []

    def stand_still(run: Run, *given: Any) -> None:
        monkeypatch.setattr(output, step, stood_still)
        # When another run comes, takes its place, and finishes
        second.append(whole_run(tmp_path))
        stood_still(run, *given)

    monkeypatch.setattr(output, step, stand_still)
    with pytest.raises(OutputInUseError):
        whole_run(tmp_path)

    # Then its results stand, though the first one began earlier and ends later
    assert layout.read_manifest(str(tmp_path)) == second[0]
    assert assert_whole(tmp_path) == second[0]["run_id"]


def late(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Have a storage that takes its time with the next write of anybody: something else happens before it is there."""
    write_bytes = storage.write_bytes

    def write_late(uri: str, content: bytes) -> None:
        monkeypatch.setattr(storage, "write_bytes", write_bytes)
        meanwhile()
        write_bytes(uri, content)

    monkeypatch.setattr(storage, "write_bytes", write_late)


def test_late_heartbeat_takes_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = held(tmp_path)
    second: list[Lease] = []
    late(monkeypatch, lambda: second.append(held(tmp_path, OTHER)))

    first.renew()

    assert said_in(tmp_path)["run_id"] == RUN
    second[0].require_held()
    with pytest.raises(OutputInUseError, match=f"{OTHER}, at 20"):
        first.require_held()
    second[0].renew()
    assert said_in(tmp_path)["run_id"] == OTHER


def test_late_heartbeat_does_not_hide_finished_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LONGEST_SILENCE", 0.0)
    first = held(tmp_path)
    second: list[dict[str, Any]] = []
    late(monkeypatch, lambda: second.append(whole_run(tmp_path)))

    first.renew()

    assert assert_whole(tmp_path) == second[0]["run_id"]
    assert (said_in(tmp_path)["done"], said_in(tmp_path)["total"]) == (1, 1)
    assert first.is_lost()


def test_released_lease_leaves_no_file_and_no_heartbeat(tmp_path: Path) -> None:
    first = held(tmp_path)

    with first.kept_alive():
        first.say("finished", 40, 40)
        first.release()
        first.renew()

    assert [file.name for file in tmp_path.iterdir()] == ["progress.json"]
    assert said_in(tmp_path)["stage"] == "finished"
    assert not first.is_lost()


def test_failure_after_lost_lease_is_output_in_use(tmp_path: Path) -> None:
    def lose() -> None:
        held(tmp_path, OTHER)
        raise RuntimeError("a file that was there has gone")

    with pytest.raises(OutputInUseError), open_run(str(tmp_path), True, []) as run, run.progress.stage("features"):
        lose()

    assert said_in(tmp_path)["run_id"] == OTHER


@pytest.mark.parametrize("error", [UsageError("no", "no"), KeyboardInterrupt()])
def test_failed_run_releases_its_lease(tmp_path: Path, error: BaseException) -> None:
    layout.write_manifest(str(tmp_path), {"schema_version": 2, "run_id": OTHER})

    with pytest.raises(type(error)), open_run(str(tmp_path), True, []) as run, run.progress.stage("list"):
        raise error

    assert said_in(tmp_path)["stage"] == "failed"
    lease.require_idle(str(tmp_path))


def test_a_sweep_leaves_the_files_of_a_run_that_began_later(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    later = tmp_path / "features" / f"part-00000-{OTHER}-0.parquet"
    later.touch()
    layout.write_manifest(str(tmp_path), {"schema_version": 2, "run_id": RUN})

    layout.sweep(str(tmp_path), [], RUN)

    assert later.exists()
