"""The failures that a person can meet at the command line: what, what to do, and an exit code."""


class OrchardError(Exception):
    """A failure, told in two lines.

    Parameters
    ----------
    what
        What is wrong, with the value that is wrong.
    remedy
        The next command to type, or what else to do.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.what = what
        self.remedy = remedy


class WrongUseError(OrchardError):
    """What was asked for cannot be done as it was asked."""

    exit_code = 2


class TryAgainError(OrchardError):
    """Something outside failed; the same command may succeed later."""

    exit_code = 75
