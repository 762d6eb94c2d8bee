"""``python -m job report``: makes the report of finished results again, in another language or another place."""

from dataclasses import asdict

from job import storage
from job.errors import OutputInUseError, ResultsIncompleteError, one_line
from job.report import making
from job.report.messages import LANGUAGES
from job.results import layout, lease


def run(results: str, output: str | None, lang: str | None) -> str:
    """Make a report of results, or write it elsewhere, in a language; return the text to print.

    Raises
    ------
    UsageError
        If the folder holds no finished results.
    RunFailedError
        If the results cannot be read or the report not written.
    OutputInUseError
        If another run has replaced the results while their report was made.
    """
    folder = storage.absolute_uri(results)
    manifest = layout.read_manifest(folder)
    language = lang or manifest["arguments"].get("lang", LANGUAGES[0])
    try:
        if output is not None:
            content = making.make(folder, manifest, language).encode()
            storage.write_bytes(storage.absolute_uri(output), content)
            return f"Report: {output}\n"
        lease.require_idle(folder)
        file = making.write(folder, manifest, language)
    except OSError as error:
        raise ResultsIncompleteError(
            f"The results in '{folder}' could not be read: {one_line(error)}.",
            "Check that all files that its manifest.json lists are there.",
        ) from error
    if layout.read_manifest(folder)["run_id"] != manifest["run_id"]:
        raise OutputInUseError(
            f"The results in '{folder}' were replaced while their report was made.", "Make the report again."
        )
    # Copies of results are checked against the sizes in the manifest.
    manifest["files"][making.FILES] = [asdict(file)]
    layout.write_manifest(folder, manifest)
    return f"Report: {storage.join(results, layout.REPORT)}\n"
