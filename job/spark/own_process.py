"""Make processes that belong to Orchard alone start and end in less time."""

import atexit
import gc
import sys
from importlib.abc import MetaPathFinder


class WithoutPandas(MetaPathFinder):
    """Hides pandas: pyarrow would take most of a second to load it, to know its types."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002 - Python's names
        """Raise ModuleNotFoundError for pandas; leave all else to others."""
        if fullname == "pandas":
            raise ModuleNotFoundError("This process does not use pandas.", name=fullname)


def begin() -> None:
    """Hide pandas, which the job does not use and a cluster does not have, and let the process end at once."""
    sys.meta_path.insert(0, WithoutPandas())
    # At the end Python looks for garbage among all that is loaded, for a tenth of a second.
    atexit.register(gc.freeze)
