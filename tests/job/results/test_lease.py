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

from job.errors import NotWrittenError, OutputInUseError, OutputRefusedError, RunFailedError, UsageError
from job.results import layout, lease, output, processes
from job.results.lease import Lease
from job.results.output import Run
from job.storage import files as storage

RUN, OTHER = "20261120T110000-aaaaaaaa", "20261120T120000-bbbbbbbb"


def held(folder: Path, run_id: str = RUN, stage: str = "features") -> Lease:
    taken = Lease(str(folder), run_id)
    taken.say(stage, 10, 40)
    taken.renew()
    return taken


def write(folder: Path, **changes: Any) -> None:
    """Write a sign of life of another machine's run, from just now unless the changes say otherwise."""
    now = datetime.now(UTC) + timedelta(seconds=changes.pop("later", 0))
    content = {"run_id": RUN, "stage": "features", "updated": now.isoformat(), "process": "another/1/1", **changes}
    (folder / "progress.json").write_text(json.dumps(content))


def never(_: float) -> None:
    pytest.fail("it waits")


def said_in(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "progress.json").read_text())
    return content


def test_a_run_that_lives_is_told_to_who_wants_its_output(tmp_path: Path) -> None:
    held(tmp_path)

    with pytest.raises(OutputRefusedError) as raised:
        lease.require_idle(str(tmp_path))

    message, seconds = raised.value.message.rsplit(", ", 1)
    assert message == f"Another run writes into the output '{tmp_path}': {RUN}, stage features"
    assert seconds in ("0 s ago.", "1 s ago.", "2 s ago.")
    assert raised.value.hint == "Wait until it has ended, or choose another --output."


@pytest.mark.parametrize("stage", ["failed", "finished"])
def test_a_run_that_has_ended_holds_nothing(tmp_path: Path, stage: str) -> None:
    held(tmp_path, stage=stage)

    lease.require_idle(str(tmp_path))
    lease.take_over(str(tmp_path), pytest.fail, never)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"stage": "list", "run_id": 1, "updated": "soon"}'])
def test_a_file_that_is_no_sign_of_life_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "progress.json").write_bytes(content)

    assert lease.holder(str(tmp_path)) is None


def test_a_sign_of_life_of_a_version_that_told_no_process_counts(tmp_path: Path) -> None:
    write(tmp_path, process=None)

    with pytest.raises(OutputRefusedError):
        lease.require_idle(str(tmp_path))


def test_the_place_of_a_run_that_is_watched_and_stays_silent_is_taken(tmp_path: Path) -> None:
    said: list[str] = []
    slept: list[float] = []
    write(tmp_path, later=-50)

    lease.take_over(str(tmp_path), said.append, slept.append)

    assert 8 <= sum(slept) <= 12
    assert said[0].startswith(f"The run {RUN} has not ended (last sign of life: ")
    assert said[0].endswith(" s if it lives.")
    assert said[1].startswith(f"The run {RUN} has died (last sign of life: ")
    assert said[1].endswith(" UTC); this one takes its place.")


def test_a_run_that_is_watched_and_gives_a_sign_of_life_keeps_its_place(tmp_path: Path) -> None:
    write(tmp_path)

    with pytest.raises(OutputInUseError) as raised:
        lease.take_over(str(tmp_path), lambda _: None, lambda _: write(tmp_path, stage="fit"))

    assert raised.value.exit_code == 75
    assert raised.value.message == f"Another run writes into the output '{tmp_path}': {RUN}, stage fit."


def test_a_run_that_ends_while_it_is_watched_gives_its_place(tmp_path: Path) -> None:
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


@pytest.mark.skipif(processes.this_process() is None, reason="needs Linux: reads from /proc when a process began")
def test_nobody_waits_for_a_process_of_this_machine_that_was_killed(tmp_path: Path) -> None:
    take = (
        f"from job.results.lease import Lease; it = Lease({str(tmp_path)!r}, {RUN!r}); it.say('fit', 0, 0); it.renew()"
    )
    subprocess.run([sys.executable, "-c", take], check=True)
    said: list[str] = []

    lease.require_idle(str(tmp_path))
    lease.take_over(str(tmp_path), said.append, never)

    assert len(said) == 1
    assert said[0].startswith(f"The run {RUN} has died")


def test_a_run_whose_lease_was_taken_notices_and_writes_nothing_over_it(tmp_path: Path) -> None:
    first = held(tmp_path)
    held(tmp_path, OTHER)

    with pytest.raises(OutputInUseError) as raised:
        first.require_held()
    with pytest.raises(OutputInUseError):
        first.renew()

    assert raised.value.message.startswith(
        f"The output '{tmp_path}' was taken from this run while it lasted: the run {OTHER}"
    )
    assert said_in(tmp_path)["run_id"] == OTHER
    assert first.is_lost()


def test_a_lease_that_somebody_deleted_is_lost(tmp_path: Path) -> None:
    first = held(tmp_path)
    (tmp_path / ".lease").unlink()

    with pytest.raises(OutputInUseError, match="somebody deleted it"):
        first.require_held()


def test_signs_of_life_come_by_themselves_and_cease_with_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SECONDS_BETWEEN_SIGNS", 0.001)
    first = held(tmp_path)
    written: list[int] = []
    enough = threading.Event()

    def count(_uri: str, _content: bytes) -> None:
        written.append(1)
        if len(written) == 3:
            enough.set()

    monkeypatch.setattr(storage, "write_bytes", count)
    with first.kept():
        assert enough.wait(30)
    after = len(written)

    assert not [thread for thread in threading.enumerate() if "give_signs" in thread.name]
    assert len(written) == after


def test_a_storage_that_does_not_answer_for_a_while_costs_no_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        with pytest.raises(RunFailedError, match="could not be read: no answer"):
            first.require_held()


def carried_out(run: Run) -> dict[str, Any]:
    """Do what a run does to its output, with a table of its id's first letters in place of features."""
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
def test_of_many_runs_that_begin_together_one_comes_to_results_and_the_others_say_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_hold_results: bool
) -> None:
    # Given eight runs that all look before one of them writes: nothing holds the output yet
    monkeypatch.setattr(lease, "SECONDS_BETWEEN_SIGNS", 0.01)
    all_looked, all_wrote = threading.Barrier(8), threading.Barrier(8)
    ended: list[str] = []

    def carry_out(run: Run) -> dict[str, Any]:
        all_looked.wait(30)
        with run.progress.stage("list"):
            all_wrote.wait(30)
        return carried_out(run)

    def begin() -> None:
        try:
            ended.append(str(output.into_output(str(tmp_path / "results"), may_hold_results, [], carry_out)["run_id"]))
        except OutputInUseError as error:
            ended.append(error.message.split(": ")[0])

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    lost = f"The output '{tmp_path / 'results'}' was taken from this run while it lasted"
    winner = assert_whole(tmp_path / "results")
    assert sorted(ended) == sorted([winner, *[lost] * 7])


@pytest.mark.parametrize("step", ["begin_to_replace", "make_count"])
def test_a_run_that_was_taken_for_dead_replaces_nothing_of_the_one_that_took_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    # Given a run that stands still, before or after it takes the old manifest away, for longer than a minute
    monkeypatch.setattr(lease, "SECONDS_BETWEEN_SIGNS", 1000.0)
    monkeypatch.setattr(lease, "LONGEST_SILENCE", 0.0)
    stood_still = getattr(output, step)
    second: list[dict[str, Any]] = []

    def stand_still(run: Run, *given: Any) -> None:
        monkeypatch.setattr(output, step, stood_still)
        # When another run comes, takes its place, and finishes
        second.append(output.into_output(str(tmp_path), True, [], carried_out))
        stood_still(run, *given)

    monkeypatch.setattr(output, step, stand_still)
    with pytest.raises(OutputInUseError):
        output.into_output(str(tmp_path), True, [], carried_out)

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


def test_a_late_sign_of_life_takes_no_lease_from_the_run_that_has_it_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = held(tmp_path)
    second: list[Lease] = []
    late(monkeypatch, lambda: second.append(held(tmp_path, OTHER)))

    first.renew()

    assert said_in(tmp_path)["run_id"] == RUN
    second[0].require_held()
    with pytest.raises(OutputInUseError, match=f"while it lasted: the run {OTHER}, at 20"):
        first.require_held()
    second[0].renew()
    assert said_in(tmp_path)["run_id"] == OTHER


def test_a_sign_of_life_that_comes_after_another_runs_results_does_not_hide_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LONGEST_SILENCE", 0.0)
    first = held(tmp_path)
    second: list[dict[str, Any]] = []
    late(monkeypatch, lambda: second.append(output.into_output(str(tmp_path), True, [], carried_out)))

    first.renew()

    assert assert_whole(tmp_path) == second[0]["run_id"]
    assert (said_in(tmp_path)["done"], said_in(tmp_path)["total"]) == (1, 1)
    assert first.is_lost()


def test_a_lease_that_was_given_back_leaves_no_file_and_gives_no_more_signs(tmp_path: Path) -> None:
    first = held(tmp_path)

    with first.kept():
        first.say("finished", 40, 40)
        first.release()
        first.renew()

    assert [file.name for file in tmp_path.iterdir()] == ["progress.json"]
    assert said_in(tmp_path)["stage"] == "finished"
    assert not first.is_lost()


def test_what_fails_because_another_run_took_the_place_is_told_as_that(tmp_path: Path) -> None:
    def carry_out(run: Run) -> dict[str, Any]:
        with run.progress.stage("features"):
            held(tmp_path, OTHER)
            raise RuntimeError("a file that was there has gone")

    with pytest.raises(OutputInUseError):
        output.into_output(str(tmp_path), True, [], carry_out)

    assert said_in(tmp_path)["run_id"] == OTHER


@pytest.mark.parametrize("error", [UsageError("no", "no"), KeyboardInterrupt()])
def test_a_run_that_ends_without_results_gives_its_lease_back(tmp_path: Path, error: BaseException) -> None:
    layout.write_manifest(str(tmp_path), {"schema_version": 2, "run_id": OTHER})

    def carry_out(run: Run) -> dict[str, Any]:
        with run.progress.stage("list"):
            raise error

    with pytest.raises(type(error)):
        output.into_output(str(tmp_path), True, [], carry_out)

    assert said_in(tmp_path)["stage"] == "failed"
    lease.require_idle(str(tmp_path))


def test_a_sweep_leaves_the_files_of_a_run_that_began_later(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    later = tmp_path / "features" / f"part-00000-{OTHER}-0.parquet"
    later.touch()
    layout.write_manifest(str(tmp_path), {"schema_version": 2, "run_id": RUN})

    layout.sweep(str(tmp_path), [], RUN)

    assert later.exists()
