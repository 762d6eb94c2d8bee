"""``orchard report``: build the report of finished results again; and find the results that a user names."""

import argparse
from pathlib import Path

from infra import invocation
from infra.commands import Command
from infra.context import Context
from infra.errors import RunUnknownError
from job import arguments, options
from job.errors import did_you_mean
from job.results import MANIFEST, PROGRESS

RESULTS = Path("results")
"""Folder of this machine, and of the data bucket, that holds the results of runs by name."""


def execute(given: argparse.Namespace, context: Context) -> int:
    """Build the report of results on this machine, or by their URI."""
    from job.__main__ import carry_out  # noqa: PLC0415 - loads Spark, which takes half a second

    given.results = local_results(given.results)
    context.say(carry_out(arguments.checked_report(given)).rstrip("\n"))
    return 0


def local_results(text: str) -> str:
    """Return the path or URI of results that are named by a run of this machine, a folder or an s3:// URI."""
    if "://" in text:
        return text
    folder = local_folder(text)
    if folder is None:
        near = did_you_mean(text, local_names())
        raise RunUnknownError(
            f"There are no results '{text}' on this machine.",
            f"{near}List all runs: {invocation.orchard('results')}; "
            f"fetch one of the cluster: {invocation.orchard(f'results {text}')}",
        )
    return str(folder)


def local_names() -> list[str]:
    """Return the names of the runs on this machine, finished or not, sorted."""
    folders = sorted(RESULTS.iterdir()) if RESULTS.is_dir() else ()
    return [folder.name for folder in folders if any((folder / mark).is_file() for mark in (MANIFEST, PROGRESS))]


def local_folder(text: str) -> Path | None:
    """Return the results folder of this machine for the name of a run or a path; None if it is neither."""
    named, path = RESULTS / text, Path(text)
    if (named / MANIFEST).is_file():
        return named
    return path if "/" in text or (path / MANIFEST).is_file() else None


COMMAND = Command(
    name="report",
    summary="rebuild the HTML report of finished results",
    details="For another language, or after report.html was deleted.",
    example="orchard report first --lang fr --output rapport.html",
    add_arguments=options.add_report_options,
    execute=execute,
)
