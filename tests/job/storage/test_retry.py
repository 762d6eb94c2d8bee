"""Tests of job/storage/retry.py: what is attempted again, and how long the pauses are."""

import pytest

from job.storage import retry


class Failing:
    """An attempt that fails some times before it succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0

    def __call__(self) -> int:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.attempts


def may_pass(error: Exception) -> bool:
    return isinstance(error, OSError)


def test_attempts_again_after_each_pause() -> None:
    slept: list[float] = []

    assert retry(Failing(OSError(), OSError()), (2.0, 8.0), may_pass, slept.append) == 3

    assert 1.0 <= slept[0] <= 3.0
    assert 4.0 <= slept[1] <= 12.0


def test_raises_the_last_error_when_no_pause_is_left() -> None:
    slept: list[float] = []
    attempt = Failing(OSError("first"), OSError("second"), OSError("third"))

    with pytest.raises(OSError, match="third"):
        retry(attempt, (1.0, 1.0), may_pass, slept.append)

    assert (attempt.attempts, len(slept)) == (3, 2)


def test_raises_at_once_what_another_attempt_cannot_mend() -> None:
    attempt = Failing(ValueError("wrong"))

    with pytest.raises(ValueError, match="wrong"):
        retry(attempt, (1.0,), may_pass, lambda _: pytest.fail("it paused"))

    assert attempt.attempts == 1
