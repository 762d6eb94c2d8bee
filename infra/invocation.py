"""Build the commands that messages print, with the profile and the region that the user gave.

Users copy a printed command. Without the profile it would use another account.
"""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_GIVEN: ContextVar[tuple[str | None, str | None]] = ContextVar("given", default=(None, None))


@contextmanager
def given(profile: str | None, region: str | None) -> Iterator[None]:
    """Add a profile and a region to every command that is built in the block."""
    token = _GIVEN.set((profile, region))
    try:
        yield
    finally:
        _GIVEN.reset(token)


def orchard(arguments: str) -> str:
    """Return a command of ``orchard`` that uses AWS: ``orchard("status first")``."""
    return f"orchard {arguments}{_options('--region ')}"


def cdk(arguments: str) -> str:
    """Return a command of the CDK: ``cdk("deploy OrchardData")``."""
    return f"cdk {arguments}{_options('-c region=')}"


def _options(region_option: str) -> str:
    profile, region = _GIVEN.get()
    options = f" --profile {shlex.quote(profile)}" if profile else ""
    return f"{options} {region_option}{shlex.quote(region)}" if region else options
