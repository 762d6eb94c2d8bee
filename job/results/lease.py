"""A run's lease on its output: one run at a time writes into a results folder.

``.lease`` names the run that holds the output. Each run writes it once, and the last to write has it: object stores
have no locks that ``pyarrow.fs`` could take, so nobody is kept from writing, but whoever wants to replace something
looks first whether the lease is still its own. That a run lives is said by ``progress.json``, which it writes anew
every few seconds; such a sign of life may come late, after another run took the output: so it is not the lease itself.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from job.errors import NotWrittenError, OrchardError, OutputInUseError, OutputRefusedError
from job.errors.mapping import unreachable
from job.results import layout, processes
from job.storage import files as storage
from job.storage import uri as addresses

LEASE = ".lease"
"""The lease's file: there for as long as a run is under way."""

SECONDS_BETWEEN_SIGNS = 2.0
"""A sign of life is three small requests; a person who follows the run does not look more often."""

LONGEST_SILENCE = 60.0
"""Seconds after which a run that gave no sign of life counts as dead: S3 may be tried for half of that."""

FAILED, FINISHED = "failed", "finished"
"""Stages of a run that has given its lease back."""


@dataclass(frozen=True)
class Holder:
    """The run that holds an output, by its last sign of life.

    Parameters
    ----------
    run_id, stage
        As progress.json says them.
    updated
        When, by the clock of the machine that it runs on.
    content
        All that progress.json says.
    """

    run_id: str
    stage: str
    updated: datetime
    content: bytes

    def silent(self) -> float:
        """Return for how many seconds no sign of life has come, if both machines have the same time."""
        return (datetime.now(UTC) - self.updated).total_seconds()


class Lease:
    """A run's own lease.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Of the run.
    """

    def __init__(self, output: str, run_id: str) -> None:
        self._output = output
        self._run_id = run_id
        self._one_at_a_time = threading.Lock()
        self._said: dict[str, Any] = {}
        self._taken = False
        self._given_back = False

    def say(self, stage: str, done: int, total: int) -> None:
        """Note how far the run is, for the next sign of life."""
        self._said = {"stage": stage, "done": done, "total": total}

    def renew(self) -> None:
        """Give a sign of life; the first one takes the lease. After it was given back, do nothing.

        Raises
        ------
        OutputInUseError
            If another run has taken the lease since; nothing is written then.
        NotWrittenError
            If the first one cannot be written. Later on, nobody following is no reason to give up hours of work.
        """
        with self._one_at_a_time:
            if self._given_back:
                return
            if not self._taken:
                self._write_sign()
                taken = {"run_id": self._run_id, "updated": layout.utc_now()}
                storage.write_bytes(_uri(self._output, LEASE), layout.to_json(taken))
                self._taken = True
                return
            with suppress(OSError):
                self._require_held()
            with suppress(NotWrittenError):
                self._write_sign()
            with suppress(OSError):
                self._restore_last_sign()

    def release(self) -> None:
        """Give the last sign of life, which says how the run ended, and leave the output to others.

        Raises
        ------
        OutputInUseError
            If another run has taken the lease since; nothing is written then.
        """
        with self._one_at_a_time:
            if self._taken:
                with suppress(OSError):
                    self._require_held()
            # Before the sign that lets others in: theirs must not be deleted. One that stays hinders nobody.
            with suppress(OrchardError):
                storage.delete(_uri(self._output, LEASE))
            self._given_back = True
            with suppress(NotWrittenError):
                self._write_sign()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give signs of life while the block lasts."""
        ended = threading.Event()

        def give_signs() -> None:
            while not ended.wait(SECONDS_BETWEEN_SIGNS):
                try:
                    if self.is_taken():
                        self.renew()
                except OutputInUseError:
                    return  # the run itself finds out before it replaces anything

        giving = threading.Thread(target=give_signs, daemon=True)
        giving.start()
        try:
            yield
        finally:
            ended.set()
            giving.join()

    def require_held(self) -> None:
        """Raise unless the lease is still this run's own: asked before anything is replaced.

        Raises
        ------
        OutputInUseError
            If another run has taken it, or somebody has deleted it.
        TryAgainError
            If it cannot be read.
        """
        try:
            self._require_held()
        except OSError as error:
            raise unreachable(f"'{_uri(self._output, LEASE)}' could not be read", error) from error

    def is_lost(self) -> bool:
        """Return whether this run has taken the lease, not given it back, and another one has taken it since."""
        try:
            if self.is_taken():
                self.require_held()
        except OutputInUseError:
            return True
        except OrchardError:
            return False  # the storage does not answer: that is another trouble
        return False

    def is_taken(self) -> bool:
        """Return whether this run has taken the lease and not given it back, lost or not."""
        return self._taken and not self._given_back

    def _require_held(self) -> None:
        said = _read_if_there(_uri(self._output, LEASE))
        if said.get("run_id") == self._run_id:
            return
        # One that has ended has taken its lease away, and stands in its last sign.
        said = said or _read_if_there(_uri(self._output, layout.PROGRESS))
        other = said.get("run_id", self._run_id) != self._run_id
        by = f"the run {said['run_id']}, at {said.get('updated')}" if other else "somebody deleted it"
        raise OutputInUseError(
            f"The output '{self._output}' was taken from this run while it lasted: {by}.",
            "Let the other run end. What was computed is kept: the same command with --resume takes it over.",
        )

    def _write_sign(self) -> None:
        """Say how far the run is by now, at this sign's turn: an older content never comes over a newer one."""
        _write_sign(self._output, self._run_id, self._said)

    def _restore_last_sign(self) -> None:
        """Say again that the results are finished, if a run has ended while this one's sign was under way."""
        if _read_if_there(_uri(self._output, LEASE)):
            return  # this run, or one that will say itself how far it is
        manifest = _read_if_there(_uri(self._output, layout.MANIFEST))
        if "run_id" in manifest:
            photos = manifest.get("counts", {}).get("used", 0)
            said = {"stage": FINISHED, "done": photos, "total": photos}
            with suppress(NotWrittenError):
                _write_sign(self._output, manifest["run_id"], said)


def holder(output: str) -> Holder | None:
    """Return the run that holds an output, None if none does: its last one has ended, or is known to have died.

    Raises
    ------
    TryAgainError
        If it cannot be found out.
    """
    try:
        content = storage.read_bytes(_uri(output, layout.PROGRESS))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreachable(f"'{_uri(output, layout.PROGRESS)}' could not be read", error) from error
    said = _read(content)
    if said.get("stage", FINISHED) in (FAILED, FINISHED):
        return None
    try:
        updated = datetime.fromisoformat(said["updated"]).astimezone(UTC)
        return Holder(str(said["run_id"]), str(said["stage"]), updated, content)
    except (KeyError, TypeError, ValueError):
        return None  # no run of ours has written it


def require_idle(output: str) -> None:
    """Raise OutputRefusedError if a run that may be alive writes into an output."""
    found = holder(output)
    if found is not None and found.silent() < LONGEST_SILENCE and not _has_died(found):
        raise OutputRefusedError(
            f"Another run writes into the output '{output}': {found.run_id}, stage {found.stage}, "
            f"{max(0, found.silent()):.0f} s ago.",
            "Wait until it has ended, or choose another --output.",
        )


def take_over(output: str, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Raise if a living run writes into an output; tell the person of a dead one whose place is taken.

    A run that was heard of lately is watched until it gives another sign of life, or has been silent for too long: a
    process that was killed says no farewell.

    Parameters
    ----------
    output
        URI of the results folder.
    say
        Tells the person one line.
    sleep
        Waits for seconds.

    Raises
    ------
    OutputInUseError
        If the run is alive.
    """
    found = holder(output)
    if found is None:
        return
    last = f"{found.updated:%Y-%m-%d %H:%M:%S} UTC"
    # A clock that is wrong, here or there, makes this wait no longer.
    left = 0.0 if _has_died(found) else min(LONGEST_SILENCE, LONGEST_SILENCE - found.silent())
    if left > 0:
        say(f"The run {found.run_id} has not ended (last sign of life: {last}); looking for {left:.0f} s if it lives.")
    while left > 0:
        sleep(min(SECONDS_BETWEEN_SIGNS, left))
        left -= SECONDS_BETWEEN_SIGNS
        now = holder(output)
        if now is None:
            return  # it has ended while it was watched
        if now.content != found.content:
            raise OutputInUseError(
                f"Another run writes into the output '{output}': {now.run_id}, stage {now.stage}.",
                "Wait until it has ended, then run this one again; or choose another --output.",
            )
    say(f"The run {found.run_id} has died (last sign of life: {last}); this one takes its place.")


def _has_died(found: Holder) -> bool:
    process = _read(found.content).get("process")
    return isinstance(process, str) and processes.has_died(process)


def _write_sign(output: str, run_id: str, said: dict[str, Any]) -> None:
    content = {
        "schema_version": layout.SCHEMA_VERSION,
        "run_id": run_id,
        **said,
        "updated": layout.utc_now(),
        "process": processes.this_process(),
    }
    storage.write_bytes(_uri(output, layout.PROGRESS), layout.to_json(content))


def _uri(output: str, name: str) -> str:
    return addresses.join(output, name)


def _read_if_there(uri: str) -> dict[str, Any]:
    try:
        return _read(storage.read_bytes(uri))
    except FileNotFoundError:
        return {}


def _read(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
