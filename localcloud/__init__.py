"""AWS on this machine, without an account: ``python -m localcloud``, or ``with localcloud.running() as endpoint``."""

from localcloud import environment, state
from localcloud.clients import client_maker
from localcloud.commands import add_arguments, execute, main
from localcloud.errors import LocalCloudError, LocalCloudStateError, StartedElsewhereError
from localcloud.runtime import Runtime, find_runtime
from localcloud.state import running

__all__ = [
    "LocalCloudError",
    "LocalCloudStateError",
    "Runtime",
    "StartedElsewhereError",
    "add_arguments",
    "client_maker",
    "environment",
    "execute",
    "find_runtime",
    "main",
    "running",
    "state",
]
