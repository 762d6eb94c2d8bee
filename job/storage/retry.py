"""Repeat what another attempt may fix, with a pause before each."""

import random
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

_Result = TypeVar("_Result")


def retry(
    attempt: Callable[[], _Result],
    pauses: Iterable[float],
    may_pass: Callable[[Exception], bool],
    sleep: Callable[[float], None] | None = None,
) -> _Result:
    """Return the result of an attempt; after an error that may pass, pause and attempt again.

    Each pause, in seconds, is drawn from half to one and a half times its length, so that callers that failed together
    do not come back together. The error of the last attempt is raised, and any other at once.

    Parameters
    ----------
    sleep
        Waits for seconds; None for ``time.sleep``.
    """
    for pause in pauses:
        try:
            return attempt()
        except Exception as error:
            if not may_pass(error):
                raise
        (sleep or time.sleep)(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    return attempt()
