"""The context of a command: account, terminal, clock."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TextIO

from infra.aws import Aws, cdk
from infra.pricing import PriceSource
from job.errors import printable


@dataclass(frozen=True)
class Context:
    """The context of a command; tests replace each part.

    Parameters
    ----------
    connect
        Return the account and region; only commands that use AWS call it.
    clock
        Seconds since 1970, UTC.
    call
        Run another program on this terminal; return its exit code.
    price_cache
        Folder of cached prices and speeds; None caches nothing.
    """

    connect: Callable[[], Aws]
    terminal: TextIO = field(default_factory=lambda: sys.stdout)
    keyboard: TextIO = field(default_factory=lambda: sys.stdin)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    call: Callable[[Sequence[str]], int] = cdk.call
    price_cache: Path | None = None

    @cached_property
    def aws(self) -> Aws:
        """The account and region."""
        return self.connect()

    def prices(self, *, offline: bool = False) -> PriceSource:
        """Return the source of prices at this time; ``offline`` does not ask AWS."""
        # Do not cache the prices of a local cloud.
        kept = None if self.aws.on_this_machine else self.price_cache
        return PriceSource(self.aws, datetime.fromtimestamp(self.clock(), UTC), offline, kept)

    def say(self, *lines: str) -> None:
        """Print lines at once, with control characters escaped."""
        for line in lines:
            self.terminal.write(printable(line) + "\n")
        self.terminal.flush()
