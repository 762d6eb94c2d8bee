"""Where this package is; pack it into one bundle: the same bytes for the same code, on any machine, at any time."""

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

SHIPPED = (".py", ".css", ".js", ".toml")
"""Endings of the files that the package needs to run."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold: file times would make every bundle different."""


def import_path(others: str = "") -> dict[str, str]:
    """Return the variables with which ``python -m`` finds this package first, in whichever folder it starts.

    ``others``: what the Python path has besides.
    """
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), others]))
    # Without the second one, a job.py in that folder would hide this package.
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def pack(added: Mapping[str, str] = {}) -> bytes:
    """Return a zip archive from which this package can be imported, with further text files by path in the package.

    It is not compressed, because compressed bytes depend on the library that made them.
    """
    sources = {str(file.relative_to(PACKAGE)): file for file in PACKAGE.rglob("*") if file.suffix in SHIPPED}
    texts = {**{name: file.read_text(encoding="utf-8") for name, file in sources.items()}, **added}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(texts.items()):
            entry = zipfile.ZipInfo(f"{PACKAGE.name}/{name}", _LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return content.getvalue()
