"""The failures that CloudFormation's API answers with, in AWS's codes and words, since command lines match on them."""


class FormationError(Exception):
    """A request that CloudFormation refuses."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NoSuchChangeSetError(FormationError):
    """There is no change set of that name; the CDK waits until it sees exactly this code."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatusError(FormationError):
    """A change set that cannot be executed or removed in the state that it is in."""

    code = "InvalidChangeSetStatus"


class AlreadyExistsError(FormationError):
    """A stack or change set of that name is there already."""

    code = "AlreadyExistsException"
