"""Names for resources that a template leaves unnamed, as CloudFormation makes them."""

import secrets
import string

from localcloud.cloudformation.resource import Place

_SUFFIX = 12
"""Characters that tell one deployment's resource from the next one's."""


def physical_name(place: Place, longest: int, *, lower_case: bool = False) -> str:
    """Return stack's name, logical id and random characters, joined by hyphens.

    If the name exceeds ``longest``, the longer of stack name and logical id is cut first.
    """
    suffix = _random(string.ascii_uppercase + string.digits)
    stack, logical = place.stack_name, place.logical_id
    excess = len(stack) + len(logical) + _SUFFIX + 2 - longest
    if excess > 0:
        shared = (longest - _SUFFIX - 2) // 2
        stack = stack[: max(shared, len(stack) - excess)]
        logical = logical[: longest - _SUFFIX - 2 - len(stack)]
    name = f"{stack}-{logical}-{suffix}"
    return name.lower() if lower_case else name


def name_without_stack(place: Place) -> str:
    """Return logical id and random characters, joined by a hyphen: how a few newer types name theirs."""
    return f"{place.logical_id}-{_random(string.ascii_letters + string.digits)}"


def _random(alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(_SUFFIX))
