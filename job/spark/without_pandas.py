"""Keep pyarrow from loading pandas, which the job does not use and a cluster does not have."""

import sys
from importlib.abc import MetaPathFinder


class WithoutPandas(MetaPathFinder):
    """Hides pandas: pyarrow would take most of a second to load it, to know its types."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002 - Python's names
        """Raise ModuleNotFoundError for pandas; leave all else to others."""
        if fullname == "pandas":
            raise ModuleNotFoundError("This process does not use pandas.", name=fullname)


def hide_pandas() -> None:
    """Hide pandas for the rest of this process, which must belong to Orchard alone."""
    sys.meta_path.insert(0, WithoutPandas())
