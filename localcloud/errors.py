"""The failures of a local cloud: what, what to do, and the exit code of its process."""


class LocalCloudError(Exception):
    """The local cloud failed."""

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n{hint}")
        self.message = message
        self.hint = hint


class LocalCloudStateError(LocalCloudError):
    """The local cloud stands already, or does not stand."""

    exit_code = 2


class NoPortError(LocalCloudError):
    """No port of this machine is free."""
