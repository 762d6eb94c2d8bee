"""Calls AWS again when it fails for a moment, and waits longer each time."""

import random
from collections.abc import Callable
from typing import TypeVar

from infra.aws.client import ATTEMPTS, explained
from infra.errors import TryAgainError

SHORTEST_WAIT, LONGEST_WAIT = 0.25, 20.0
"""Seconds."""

Answer = TypeVar("Answer")


def retry(doing: str, call: Callable[[], Answer], sleep: Callable[[float], None], failed_before: int = 0) -> Answer:
    """Return what a call to AWS returns, made again while AWS is slow, down or out of reach."""
    for attempt in range(failed_before, ATTEMPTS):
        if attempt:
            sleep(wait(attempt - 1))
        try:
            with explained(doing):
                return call()
        except TryAgainError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError(f"{failed_before} attempts are more than {ATTEMPTS}")


def wait(failures: int) -> float:
    """Return how many seconds to wait: twice as long each time, spread so that callers do not come back together."""
    return float(min(LONGEST_WAIT, SHORTEST_WAIT * 2**failures) * random.uniform(0.5, 1))  # noqa: S311 - no secret
