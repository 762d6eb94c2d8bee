"""``python -m job report``: renders the report of finished results again, in another language or file."""

from dataclasses import asdict

from job import storage
from job.errors import OutputInUseError, ResultsIncompleteError, one_line
from job.report import making
from job.report.messages import LANGUAGES
from job.results import layout, lease


def run(results: str, output: str | None, lang: str | None, with_map: bool) -> str:
    """Render the report of results into their folder, or into ``output``; return the text to print.

    Raises
    ------
    UsageError
        If the folder has no finished results, or the map's library is not installed.
    RunFailedError
        If the results cannot be read or the report not written.
    OutputInUseError
        If another run has replaced the results in the meantime.
    """
    folder = storage.absolute_uri(results)
    manifest = layout.read_manifest(folder)
    language = lang or manifest["arguments"].get("lang", LANGUAGES[0])
    try:
        if output is not None:
            content = making.make(folder, manifest, language, with_map).encode()
            storage.write_bytes(storage.absolute_uri(output), content)
            return f"Report: {output}\n"
        lease.require_idle(folder)
        file = making.write(folder, manifest, language, with_map)
    except OSError as error:
        raise ResultsIncompleteError(
            f"Cannot read the results in '{folder}': {one_line(error)}.",
            "Copy them again, or repeat their run: a file that manifest.json lists is missing or damaged.",
        ) from error
    if layout.read_manifest(folder)["run_id"] != manifest["run_id"]:
        raise OutputInUseError(
            f"Another run replaced the results in '{folder}' while the report was rendered.", "Repeat the command."
        )
    # Copies of results are checked against the sizes in the manifest.
    manifest["files"][making.FILES] = [asdict(file)]
    layout.write_manifest(folder, manifest)
    return f"Report: {storage.join(results, layout.REPORT)}\n"
