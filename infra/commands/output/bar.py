"""Shows how far a transfer is: a bar with rate and time left in a terminal, a line now and then elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from job.results.bar import progress_bar

SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def shown(terminal: TextIO, clock: Callable[[], float], total: int, unit: str) -> Iterator[Callable[[], None]]:
    """Show progress while the block runs, a bar only in a terminal; yield what is called for each one done."""
    if terminal.isatty():
        with progress_bar(terminal, total, unit, stays=False) as bar:
            yield bar.update
    else:
        yield _Lines(terminal, clock, total, unit).step


def duration(seconds: float) -> str:
    """Return a duration like "45 s", "12 min" or "3 h 20 min"."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class _Lines:
    """Progress for a log: a line every half minute, none for what is quick."""

    def __init__(self, terminal: TextIO, clock: Callable[[], float], total: int, unit: str) -> None:
        self._terminal = terminal
        self._clock = clock
        self._total = total
        self._unit = unit
        self._done = 0
        self._began = self._told = clock()

    def step(self) -> None:
        """Count one."""
        self._done += 1
        now = self._clock()
        if now - self._told < SECONDS_BETWEEN_LINES:
            return
        self._told = now
        rate = self._done / (now - self._began)
        left = duration((self._total - self._done) / rate)
        self._terminal.write(f"{self._done:,} of {self._total:,} {self._unit}, {rate:,.0f} a second, {left} left\n")
        self._terminal.flush()
