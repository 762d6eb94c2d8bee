"""Shows how far the run is: a bar in a terminal, lines elsewhere, and progress.json for whoever follows from afar."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from pyspark import Accumulator
from tqdm import tqdm

from job.errors import OutputInUseError
from job.errors.console import printable
from job.results import lease
from job.results.lease import Lease

SECONDS_BETWEEN_LOOKS = 0.2


class Progress:
    """Follows the stages of a run.

    Parameters
    ----------
    output
        URI of the results folder; progress.json goes there, and the run's lease on it.
    run_id
        The run that is followed.
    terminal
        Where the bar or the lines are written; None for standard error.
    """

    def __init__(self, output: str, run_id: str, terminal: TextIO | None = None) -> None:
        self.lease = Lease(output, run_id)
        self._terminal = terminal or sys.stderr
        self.seconds: dict[str, float] = {}

    def say(self, line: str) -> None:
        """Tell the person one thing."""
        self._terminal.write(printable(line) + "\n")
        self._terminal.flush()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage that has no photos to count.

        Raises
        ------
        OutputInUseError
            If another run has taken the output since.
        """
        began = time.perf_counter()
        self._write(name, 0, 0)
        yield
        self.seconds[name] = time.perf_counter() - began

    @contextmanager
    def counted_stage(self, name: str, total: int, done: Accumulator[int]) -> Iterator[None]:
        """Time a stage and show how many photos it has done, while it runs.

        Parameters
        ----------
        name
            The stage's name in the bar, in progress.json and in the manifest's seconds.
        total
            How many photos there are.
        done
            Where the tasks count photos; Spark brings it up to date when a task ends.

        Raises
        ------
        OutputInUseError
            If another run has taken the output since.
        """
        ended = threading.Event()
        with tqdm(
            total=total,
            desc=name,
            unit=" photos",
            file=self._terminal,
            disable=not self._terminal.isatty(),
            ncols=self._columns(),
        ) as bar:
            self._write(name, 0, total)
            follower = threading.Thread(target=self._follow, args=(name, total, done, bar, ended), daemon=True)
            follower.start()
            began = time.perf_counter()
            try:
                yield
            finally:
                self.seconds[name] = time.perf_counter() - began
                ended.set()
                follower.join()
        self._say_rate(name, total)

    def fail(self) -> None:
        """Say in progress.json that the run has stopped before its end."""
        self._end(lease.FAILED, 0)

    def finish(self, photos: int) -> None:
        """Say in progress.json that the run is over."""
        self._end(lease.FINISHED, photos)

    def _columns(self) -> int | None:
        """Return a width for terminals that do not know their own, None to use theirs."""
        if not self._terminal.isatty() or shutil.get_terminal_size((0, 0)).columns > 0:
            return None
        return 80

    def _follow(self, name: str, total: int, done: Accumulator[int], bar: "tqdm[Any]", ended: threading.Event) -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            bar.update(done.value - bar.n)
            self.lease.say(name, done.value, total)
        bar.update(done.value - bar.n)
        with suppress(OutputInUseError):  # the run itself finds out before its next stage
            self._write(name, done.value, total)

    def _say_rate(self, name: str, total: int) -> None:
        if not self._terminal.isatty():
            seconds = self.seconds[name]
            self.say(f"{name}: {total:,} photos in {seconds:.1f} s, {total / seconds:,.0f} a second")

    def _write(self, stage: str, done: int, total: int) -> None:
        self.lease.say(stage, done, total)
        self.lease.renew()

    def _end(self, stage: str, photos: int) -> None:
        self.lease.say(stage, photos, photos)
        self.lease.release()
