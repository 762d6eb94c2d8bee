"""The result of a check, and the account that checks look at."""

from dataclasses import dataclass
from enum import StrEnum

from infra.aws import Aws
from infra.settings import Settings


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """The result of one check; ``fix`` is a command or an edit, empty if nothing is to be done."""

    level: Level
    message: str
    fix: str = ""
    check: str = ""  # name of the check, which the caller of the check adds

    @property
    def line(self) -> str:
        """The finding as one line."""
        fix = f" Fix: {self.fix}" if self.fix else ""
        return f"{self.level:<8} {self.check:<18} {self.message}{fix}"


@dataclass(frozen=True)
class Account:
    """The account, region and settings that a deployment would use; ``caller`` is the ARN of the credentials."""

    aws: Aws
    settings: Settings
    id: str
    caller: str


def ok(message: str) -> Finding:
    """Return a passed check."""
    return Finding(Level.OK, message)


def warning(message: str, fix: str) -> Finding:
    """Return a check that found something that may become a problem, or that could not look."""
    return Finding(Level.WARNING, message, fix)


def failure(message: str, fix: str) -> Finding:
    """Return a check that found something that makes a deployment or a run fail."""
    return Finding(Level.FAILURE, message, fix)
