"""What moto lacks beside AWS, closed: one module a gap, each with a ``close()`` that changes moto in this process.

The changes are global to the process: they are made in that of the local cloud. A test that makes one in its own takes
it back at its end (``patching``).
"""

import importlib
import pkgutil


def close_all() -> list[str]:
    """Close every gap that has a module here, in the order of their names; return the names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    for name in names:
        importlib.import_module(f"{__name__}.{name}").close()
    return names
