"""Makes the identifiers that EMR gives, each in its own form."""

import secrets
import string

_LETTERS = string.ascii_uppercase + string.digits


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def cluster_id() -> str:
    """Return one like ``j-3KTOXKE9NRWYH``."""
    return f"j-{_random(13)}"


def step_id() -> str:
    """Return one like ``s-1XC6KMXYFHXJR``."""
    return f"s-{_random(13)}"


def fleet_id() -> str:
    """Return one like ``if-2JJTNRCGVAKZG``."""
    return f"if-{_random(13)}"


def node_id() -> str:
    """Return EMR's own name of a node, one like ``ci-1BGVJCXLYD2OV``."""
    return f"ci-{_random(13)}"


def instance_id() -> str:
    """Return an id as EC2 gives it; no such instance is in EC2 here."""
    return f"i-{secrets.token_hex(9)[:17]}"
