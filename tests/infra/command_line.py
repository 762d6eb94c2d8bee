"""What tests of several commands share: how one is typed, and the manifest of a run that has finished."""

from typing import Any

from infra import commandline
from tests.infra.conftest import World

MANIFEST: dict[str, Any] = {
    "schema_version": 2,
    "counts": {"found": 40, "used": 39, "rejected": 1},
    "components": {
        "kept": 5,
        "variance_kept": 0.951,
        "components_for_variance": {"0.8": 2, "0.9": 4, "0.95": 5, "0.99": 9},
    },
    "seconds": {"features": 4.0},
    "files": {},
}


def orchard(world: World, *argv: str) -> int:
    """Execute a command line, without what turns failures into lines; return the exit code."""
    given = commandline.parse(argv)
    return int(given.command.execute(given, world.context()))
