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
    """The context of a command; a test replaces each part.

    Parameters
    ----------
    connect
        Returns the account and region; only commands that use AWS call it.
    clock
        Seconds since 1970, UTC.
    call
        Runs another program on this terminal; returns its exit code.
    price_cache
        Folder of prices and speeds; None keeps none.
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
        """Return where prices come from at this time; ``offline`` asks AWS for none."""
        # The prices of a local cloud are not those of AWS.
        kept = None if self.aws.on_this_machine else self.price_cache
        return PriceSource(self.aws, datetime.fromtimestamp(self.clock(), UTC), offline, kept)

    def say(self, *lines: str) -> None:
        """Print lines at once, with what a terminal would obey escaped."""
        for line in lines:
            self.terminal.write(printable(line) + "\n")
        self.terminal.flush()
