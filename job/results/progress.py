"""Show how far the run is: a bar in a terminal, lines elsewhere, and progress.json for ``orchard run``."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from tqdm import tqdm

from job.errors import OutputInUseError, printable
from job.results import lease
from job.results.bar import progress_bar
from job.results.lease import Lease

if TYPE_CHECKING:
    from pyspark import Accumulator

SECONDS_BETWEEN_LOOKS = 0.2


class Progress:
    """Times and shows the stages of a run; its lease writes them into progress.json.

    The terminal is standard error by default. A stage raises OutputInUseError if another run has taken the output.
    """

    def __init__(self, output: str, run_id: str, terminal: TextIO | None = None) -> None:
        self.lease = Lease(output, run_id)
        self._terminal = terminal or sys.stderr
        self.seconds: dict[str, float] = {}

    def say(self, line: str) -> None:
        """Print one line."""
        self._terminal.write(printable(line) + "\n")
        self._terminal.flush()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage that has no photos to count; a stage may have several parts."""
        began = time.perf_counter()
        self._write(name, 0, 0)
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    @contextmanager
    def counted_stage(self, name: str, total: int, done: "Accumulator[int]") -> Iterator[None]:
        """Time a stage and show how many photos it has done, while it runs.

        Parameters
        ----------
        name
            The stage's name in the bar, in progress.json and in the manifest's seconds.
        done
            Where the tasks count photos; Spark updates it when a task ends.
        """
        ended = threading.Event()
        with progress_bar(self._terminal, total, "photos", name) as bar:
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
        """Release the lease of a run that has failed."""
        self._end(lease.FAILED, 0)

    def finish(self, photos: int) -> None:
        """Release the lease of a run that has finished."""
        self._end(lease.FINISHED, photos)

    def _follow(
        self, name: str, total: int, done: "Accumulator[int]", bar: "tqdm[Any]", ended: threading.Event
    ) -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            bar.update(done.value - bar.n)
            self.lease.say(name, done.value, total)
        bar.update(done.value - bar.n)
        with suppress(OutputInUseError):  # the run itself finds out before its next stage
            self._write(name, done.value, total)

    def _say_rate(self, name: str, total: int) -> None:
        if not self._terminal.isatty():
            seconds = self.seconds[name]
            self.say(f"{name}: {total:,} photos in {seconds:.1f} s")

    def _write(self, stage: str, done: int, total: int) -> None:
        self.lease.say(stage, done, total)
        self.lease.renew()

    def _end(self, stage: str, photos: int) -> None:
        self.lease.say(stage, photos, photos)
        self.lease.release()
