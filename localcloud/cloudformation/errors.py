"""The errors of CloudFormation's API, with AWS's codes and messages, since command lines match on them."""


class RequestError(Exception):
    """A request that CloudFormation refuses."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NoSuchChangeSetError(RequestError):
    """An unknown change set; the CDK waits until it sees exactly this code."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatusError(RequestError):
    """A change set that cannot be executed or deleted in its current state."""

    code = "InvalidChangeSetStatus"


class AlreadyExistsError(RequestError):
    """A stack or change set of that name exists already."""

    code = "AlreadyExistsException"


class InsufficientCapabilitiesError(RequestError):
    """A template creates IAM resources without the capability for it."""

    code = "InsufficientCapabilitiesException"
