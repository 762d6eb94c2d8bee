"""A run's lease on its output: one run at a time writes into a results folder.

``.lease`` names the run that holds the output. Each run writes it once, and the last to write has it: object stores
have no locks that ``pyarrow.fs`` could take, so a run checks that the lease is still its own before it replaces files.
``progress.json``, which a run rewrites every few seconds, is its heartbeat. A heartbeat may arrive late, after another
run took the output: so it is not the lease itself.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from job import storage
from job.errors import (
    NotWrittenError,
    OrchardError,
    OutputInUseError,
    OutputRefusedError,
    another_output,
    unreachable,
)
from job.results import layout, processes

LEASE = ".lease"
"""The lease's file: exists while a run is in progress."""

HEARTBEAT_SECONDS = 2.0
"""Between two heartbeats, each of three small requests; ``orchard run`` reads progress.json as often."""

LONGEST_SILENCE = 60.0
"""Seconds without a heartbeat after which a run counts as dead: S3 is retried for up to half of that."""

FAILED, FINISHED = "failed", "finished"
"""Stages of a run that has released its lease."""


@dataclass(frozen=True)
class Holder:
    """The run that holds an output, by its last heartbeat.

    Parameters
    ----------
    updated
        By the clock of the machine that it runs on.
    content
        Of progress.json.
    """

    run_id: str
    stage: str
    updated: datetime
    content: bytes

    def silent(self) -> float:
        """Return the seconds since the last heartbeat, if the clocks of both machines agree."""
        return (datetime.now(UTC) - self.updated).total_seconds()


class Lease:
    """The lease of this run."""

    def __init__(self, output: str, run_id: str) -> None:
        self._output = output
        self._run_id = run_id
        self._one_at_a_time = threading.Lock()
        self._state: dict[str, Any] = {}
        self._taken = False
        self._released = False

    def say(self, stage: str, done: int, total: int) -> None:
        """Set stage and photos done for the next heartbeat."""
        self._state = {"stage": stage, "done": done, "total": total}

    def renew(self) -> None:
        """Write a heartbeat; the first one takes the lease. Do nothing after the lease was released.

        Raises
        ------
        OutputInUseError
            If another run has taken the lease since; nothing is written then.
        NotWrittenError
            If the first one cannot be written. A later one that fails must not end hours of work.
        """
        with self._one_at_a_time:
            if self._released:
                return
            if not self._taken:
                self._write_heartbeat()
                taken = {"run_id": self._run_id, "updated": layout.utc_now()}
                storage.write_bytes(storage.join(self._output, LEASE), layout.to_json(taken))
                self._taken = True
                return
            with suppress(OSError):
                self._require_held()
            with suppress(NotWrittenError):
                self._write_heartbeat()
            with suppress(OSError):
                self._restore_finished()

    def release(self) -> None:
        """Write the last heartbeat, which says how the run ended, and delete the lease.

        Raises
        ------
        OutputInUseError
            If another run has taken the lease since; nothing is written then.
        """
        with self._one_at_a_time:
            if self._taken:
                with suppress(OSError):
                    self._require_held()
            # Before the heartbeat that lets others in, whose lease must not be deleted. One that stays blocks no run.
            with suppress(OrchardError):
                storage.delete(storage.join(self._output, LEASE))
            self._released = True
            with suppress(NotWrittenError):
                self._write_heartbeat()

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Write heartbeats while the block lasts."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                try:
                    if self.is_taken():
                        self.renew()
                except OutputInUseError:
                    return  # the run checks its lease before it replaces anything

        beating = threading.Thread(target=beat, daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()

    def require_held(self) -> None:
        """Raise OutputInUseError if another run has the lease, TryAgainError if it cannot be read."""
        try:
            self._require_held()
        except OSError as error:
            raise unreachable(f"Cannot read '{storage.join(self._output, LEASE)}'", error) from error

    def is_lost(self) -> bool:
        """Return whether another run has taken the lease that this one had and has not released."""
        try:
            if self.is_taken():
                self.require_held()
        except OutputInUseError:
            return True
        except OrchardError:
            return False  # the storage does not answer, which says nothing about the lease
        return False

    def is_taken(self) -> bool:
        """Return whether this run has taken the lease and not released it, lost or not."""
        return self._taken and not self._released

    def _require_held(self) -> None:
        state = _read_if_there(storage.join(self._output, LEASE))
        if state.get("run_id") == self._run_id:
            return
        # A run that has ended has deleted its lease, and is named by its last heartbeat.
        state = state or _read_if_there(storage.join(self._output, layout.PROGRESS))
        other = state.get("run_id", self._run_id) != self._run_id
        by = f"the run {state['run_id']}, at {state.get('updated')}" if other else "its lease was deleted"
        raise OutputInUseError(
            f"Another run took the output '{self._output}' from this one: {by}.",
            "Wait until the other run has ended, then add --resume to this command: it reuses what was computed.",
        )

    def _write_heartbeat(self) -> None:
        """Write the current state, under the lock: an older one never replaces a newer one."""
        _write_heartbeat(self._output, self._run_id, self._state)

    def _restore_finished(self) -> None:
        """Write again that the results are finished, if another run ended while this heartbeat was being written."""
        if _read_if_there(storage.join(self._output, LEASE)):
            return  # of this run, or of another whose heartbeats follow
        manifest = _read_if_there(storage.join(self._output, layout.MANIFEST))
        if "run_id" in manifest:
            photos = manifest.get("counts", {}).get("used", 0)
            state = {"stage": FINISHED, "done": photos, "total": photos}
            with suppress(NotWrittenError):
                _write_heartbeat(self._output, manifest["run_id"], state)


def holder(output: str) -> Holder | None:
    """Return the run that holds an output, None if its last one has ended; raise TryAgainError if it is unreadable."""
    try:
        content = storage.read_bytes(storage.join(output, layout.PROGRESS))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreachable(f"Cannot read '{storage.join(output, layout.PROGRESS)}'", error) from error
    state = _read(content)
    if state.get("stage", FINISHED) in (FAILED, FINISHED):
        return None
    try:
        updated = datetime.fromisoformat(state["updated"]).astimezone(UTC)
        return Holder(str(state["run_id"]), str(state["stage"]), updated, content)
    except (KeyError, TypeError, ValueError):
        return None  # not written by a run


def require_idle(output: str) -> None:
    """Raise OutputRefusedError if a run that may be alive writes into an output."""
    found = holder(output)
    if found is not None and found.silent() < LONGEST_SILENCE and not _has_died(found):
        raise OutputRefusedError(
            f"The output must have no other run, got '{output}' with {found.run_id} in the stage {found.stage}, "
            f"{max(0, found.silent()):.0f} s ago.",
            f"Wait until that run has ended, or choose {another_output()}.",
        )


def take_over(output: str, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Raise OutputInUseError if a living run writes into an output; report a dead one, whose output is taken.

    A run with a recent heartbeat is watched until its next one, or until it has been silent for too long: a killed
    process cannot mark itself finished.
    """
    found = holder(output)
    if found is None:
        return
    last = f"{found.updated:%Y-%m-%d %H:%M:%S} UTC"
    # Bounded, because one of the two clocks may be wrong.
    left = 0.0 if _has_died(found) else min(LONGEST_SILENCE, LONGEST_SILENCE - found.silent())
    if left > 0:
        say(f"The run {found.run_id} has not ended (last heartbeat: {last}); watching it for {left:.0f} s.")
    while left > 0:
        sleep(min(HEARTBEAT_SECONDS, left))
        left -= HEARTBEAT_SECONDS
        now = holder(output)
        if now is None:
            return
        if now.content != found.content:
            raise OutputInUseError(
                f"The output must have no other run, got '{output}' with {now.run_id} in the stage {now.stage}.",
                f"Wait until that run has ended, then repeat the command; or choose {another_output()}.",
            )
    say(f"The run {found.run_id} died (last heartbeat: {last}); this run replaces it.")


def _has_died(found: Holder) -> bool:
    process = _read(found.content).get("process")
    return isinstance(process, str) and processes.has_died(process)


def _write_heartbeat(output: str, run_id: str, state: dict[str, Any]) -> None:
    content = {
        "schema_version": layout.SCHEMA_VERSION,
        "run_id": run_id,
        **state,
        "updated": layout.utc_now(),
        "process": processes.this_process(),
    }
    storage.write_bytes(storage.join(output, layout.PROGRESS), layout.to_json(content))


def _read_if_there(uri: str) -> dict[str, Any]:
    try:
        return _read(storage.read_bytes(uri))
    except FileNotFoundError:
        return {}


def _read(content: bytes) -> dict[str, Any]:
    try:
        state = json.loads(content)
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}
