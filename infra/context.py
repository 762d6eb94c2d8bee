"""The context of a command: account, console, clock and caches."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from infra.aws import Aws, cdk
from infra.follow_up import Given
from infra.pricing import PriceSource
from job.errors.console import printable


@dataclass(frozen=True)
class Context:
    """The environment of a command; a test replaces each part."""

    aws: Aws
    terminal: TextIO = field(default_factory=lambda: sys.stdout)
    keyboard: TextIO = field(default_factory=lambda: sys.stdin)
    clock: Callable[[], float] = time.time  # seconds since 1970, UTC
    sleep: Callable[[float], None] = time.sleep
    call: Callable[[Sequence[str]], int] = cdk.call  # runs another program; returns its exit code
    price_cache: Path | None = None  # folder of prices and speeds; None keeps none
    given: Given = field(default_factory=Given)

    def prices(self, *, offline: bool = False) -> PriceSource:
        """Return where prices come from at this time; ``offline`` asks AWS for none."""
        # The prices of a cloud on this machine are not those of AWS.
        cache = None if self.aws.on_this_machine else self.price_cache
        return PriceSource(self.aws, datetime.fromtimestamp(self.clock(), UTC), offline, cache)

    def say(self, line: str = "") -> None:
        """Print one line at once, of our own words: what others wrote goes through ``show``."""
        self.show(self.given.repeated_in(line))

    def show(self, text: str) -> None:
        """Print a text as it is, and the end of a line."""
        self.terminal.write(printable(text) + "\n")
        self.terminal.flush()
