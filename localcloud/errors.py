"""The errors of the local cloud: message, hint, code and exit code."""


class LocalCloudError(Exception):
    """The local cloud failed; ``hint`` says how to fix it."""

    code = "ORC-401"
    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n{hint}")
        self.message = message
        self.hint = hint

    @property
    def report(self) -> str:
        """The two lines that a command prints to standard error."""
        return f"error: {self.message} [{self.code}]\n{self.hint}\n"


class LocalCloudStateError(LocalCloudError):
    """The local cloud is already running, or is not running."""

    code = "ORC-400"
    exit_code = 2


class StartedElsewhereError(LocalCloudError):
    """The local cloud was started from another terminal or folder, and ending it was not confirmed."""

    code = "ORC-403"
    exit_code = 2
