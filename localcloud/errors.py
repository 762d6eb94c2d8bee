"""The failures of a local cloud: what, what to do, and the exit code of its process."""


class LocalCloudError(Exception):
    """The local cloud failed.

    Parameters
    ----------
    what
        What is wrong.
    remedy
        What to do.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.what = what
        self.remedy = remedy


class LocalCloudStateError(LocalCloudError):
    """The local cloud stands already, or does not stand."""

    exit_code = 2


class NoPortError(LocalCloudError):
    """No port of this machine is free."""
