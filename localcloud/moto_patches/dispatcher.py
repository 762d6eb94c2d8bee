"""moto's dispatcher: it lists its folder for every request, while all other requests wait."""

from functools import cache

from moto import backends
from moto.backends import list_of_moto_modules

from localcloud.moto_patches import Replace


def apply(replace: Replace) -> None:
    """Let the dispatcher list moto's services once."""
    replace(backends, "list_of_moto_modules", _services)


@cache
def _services() -> tuple[str, ...]:
    return tuple(list_of_moto_modules())
