"""Provide Vega, Vega-Lite and Vega-Embed as one script, from the Python package that carries them.

A cluster's nodes do not have that package: the bundle of the job that is sent there holds the script itself.
"""

import importlib.metadata
import importlib.resources
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from job.storage import cache_folder

PACKAGE = "vl-convert-python"
IN_BUNDLE = "report/vega.js"
"""Path of the script in a bundle of the job."""


def script(environment: Mapping[str, str] = os.environ) -> str:
    """Return the script that defines ``vegaEmbed`` in a page, safe between script tags.

    A bundle of the job may hold it. Else it is built, which takes seconds, and kept in the user's cache under the
    package's version.
    """
    carried = importlib.resources.files("job").joinpath(IN_BUNDLE)
    if carried.is_file():
        return carried.read_text(encoding="utf-8")
    kept = cache_folder(environment).parent / "report" / f"vega-{importlib.metadata.version(PACKAGE)}.js"
    try:
        return kept.read_text(encoding="utf-8")
    except OSError:
        made = inert(_bundle())
    # A cache that cannot be written to costs seconds, not the report.
    with suppress(OSError):
        _keep(kept, made)
    return made


def inert(code: str) -> str:
    """Return JavaScript that means the same and cannot end, or hide the end of, the script tag around it."""
    return code.replace("</script", "<\\/script").replace("</SCRIPT", "<\\/SCRIPT").replace("<!--", "<\\!--")


def _bundle() -> str:
    import vl_convert  # noqa: PLC0415 - 80 MB that nothing but this needs

    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]


def _keep(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
