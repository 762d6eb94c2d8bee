"""``python -m job report``: makes the report of finished results again, in another language or another place."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from job import storage
from job.arguments import Parser
from job.errors import OutputInUseError, ResultsIncompleteError, one_line
from job.report import making
from job.report.messages import LANGUAGES
from job.results import layout, lease

WORD = "report"


def run(argv: Sequence[str]) -> str:
    """Make a report as the command line says; return the line to print.

    Raises
    ------
    OutputInUseError
        If another run has replaced the results while their report was made.
    """
    given = parser().parse_args(argv)
    folder = storage.absolute_uri(given.results)
    manifest = layout.read_manifest(folder)
    language = given.lang or manifest["arguments"].get("lang", LANGUAGES[0])
    try:
        if given.output is not None:
            content = making.make(folder, manifest, language).encode()
            storage.write_bytes(storage.absolute_uri(given.output), content)
            return f"Report: {given.output}\n"
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
    return f"Report: {storage.join(given.results, layout.REPORT)}\n"


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = Parser(
        prog=f"python -m job {WORD}",
        description="Make the report of finished results again.",
        epilog="Example: python -m job report results/ --lang fr --output rapport.html",
    )
    made.add_argument("results", metavar="RESULTS", help="folder of finished results")
    made.add_argument("--lang", choices=LANGUAGES, help="default: as the run was told")
    made.add_argument("--output", metavar="FILE", help="default: report.html in the results")
    return made
