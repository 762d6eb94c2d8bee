"""The failures that a person can meet: one line says what, one line says what to do, and an exit code."""


class JobError(Exception):
    """A failure of the job, told in two lines.

    Parameters
    ----------
    what
        What is wrong, with the value that is wrong.
    remedy
        What the person can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.what = what
        self.remedy = remedy


class UsageError(JobError):
    """What was asked for cannot be done: the arguments or the photos have to change first."""

    exit_code = 2


class RunFailedError(JobError):
    """The run began and could not be finished."""

    exit_code = 1


class TryAgainError(RunFailedError):
    """Something outside the run failed; the same command may succeed later."""

    exit_code = 75
