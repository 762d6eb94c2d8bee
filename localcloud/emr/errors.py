"""What EMR answers when it refuses."""


class RefusedError(Exception):
    """A request that EMR refuses.

    ``code`` is ``ValidationException`` or ``InvalidRequestException``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def invalid(message: str) -> RefusedError:
    """Return a request that does not make sense as it is."""
    return RefusedError("ValidationException", message)


def invalid_request(message: str) -> RefusedError:
    """Return a request for something that is not there."""
    return RefusedError("InvalidRequestException", message)
