"""Follow a step to its end: its state from EMR, its progress from the job's progress.json."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from infra.aws import Aws, explained, read_if_there
from infra.runs import step as steps
from infra.runs.step import ENDED, Step
from job.errors import printable
from job.results import PROGRESS
from job.results.bar import progress_bar

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS_BETWEEN_LOOKS = 2.0
"""EMR allows a few describing calls per second for a whole account."""


@dataclass(frozen=True)
class Progress:
    """Content of progress.json."""

    stage: str
    done: int  # photos; the total is 0 if the stage counts none
    total: int


def follow_step(aws: Aws, step: Step, terminal: TextIO, sleep: Callable[[float], None]) -> Step:
    """Show the progress of a step until it has ended; return the ended step."""
    shown = _Shown(terminal)
    while True:
        step = steps.look(aws, step.cluster, step.id)
        shown.update(step.state, read_progress(aws, step))
        if step.state in ENDED:
            shown.close()
            return step
        sleep(SECONDS_BETWEEN_LOOKS)


def read_progress(aws: Aws, step: Step) -> Progress | None:
    """Return the progress of a running step; None until it has written any."""
    if step.state != "RUNNING":
        return None
    bucket, results_key = step.results
    with explained(f"read the progress in s3://{bucket}/{results_key}"):
        body = read_if_there(aws, bucket, f"{results_key}/{PROGRESS}", since=step.started)
    if body is None:
        return None
    content = json.loads(body)
    return Progress(content["stage"], content["done"], content["total"])


class _Shown:
    """Progress on the terminal: a bar per stage, or a line for each change if a bar cannot be drawn."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._bar: tqdm[Any] | None = None
        self._last = ""

    def update(self, state: str, progress: Progress | None) -> None:
        now = state if progress is None else f"{state}, {progress.stage}"
        if now != self._last:
            self.close()
            self._last = now
            # A bar shows the same.
            if not self._can_count(progress):
                self._terminal.write(f"{printable(now)}\n")
                self._terminal.flush()
        if progress is not None and self._can_count(progress):
            self._count(progress)

    def _can_count(self, progress: Progress | None) -> bool:
        return progress is not None and progress.total > 0 and self._terminal.isatty()

    def _count(self, progress: Progress) -> None:
        if self._bar is None:
            # Photos done before this moment would make the rate too high.
            self._bar = progress_bar(self._terminal, progress.total, "photos", progress.stage, progress.done)
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
