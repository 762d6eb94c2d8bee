"""Packs this package into one archive: the same bytes for the same code, on any machine and at any time."""

import io
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

CARRIED = (".py", ".css", ".js")
"""Endings of the files that the package needs where it runs."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can say: file times would make every archive another one."""


def pack() -> bytes:
    """Return a zip archive from which this package can be imported.

    Nothing in it is compressed, because compressed bytes depend on the library that made them.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for source in sorted(file for file in PACKAGE.rglob("*") if file.suffix in CARRIED):
            entry = zipfile.ZipInfo(f"{PACKAGE.name}/{source.relative_to(PACKAGE)}", _LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, source.read_bytes())
    return content.getvalue()
