"""Show the progress of a transfer: a bar in a terminal, else a line every half minute."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from job.results.bar import progress_bar

SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def shown(terminal: TextIO, clock: Callable[[], float], total: int, unit: str) -> Iterator[Callable[[], None]]:
    """Show progress during the block, as a bar only in a terminal; yield the function to call for each one done."""
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


def megabytes(size: int) -> str:
    """Return a size in decimal units: "5.2 MB"."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


class _Lines:
    """Progress for a log: a line every half minute, none for short transfers."""

    def __init__(self, terminal: TextIO, clock: Callable[[], float], total: int, unit: str) -> None:
        self._terminal = terminal
        self._clock = clock
        self._total = total
        self._unit = unit
        self._done = 0
        self._began = self._printed = clock()

    def step(self) -> None:
        """Count one."""
        self._done += 1
        now = self._clock()
        if now - self._printed < SECONDS_BETWEEN_LINES:
            return
        self._printed = now
        rate = self._done / (now - self._began)
        left = duration((self._total - self._done) / rate)
        self._terminal.write(f"{self._done:,} of {self._total:,} {self._unit}, {rate:,.0f} a second, {left} left\n")
        self._terminal.flush()
