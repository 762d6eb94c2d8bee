"""``orchard quality``: list the photos of a run that are worth a look."""

import argparse
import csv
import io
from collections.abc import Sequence

from infra.aws import stacks
from infra.commands import Command
from infra.commands.output.tables import in_columns
from infra.commands.report import local_folder
from infra.context import Context
from infra.errors import WrongUseError
from infra.runs import fetch
from infra.runs.fetch import RunFiles
from job import storage
from job.quality import KINDS
from job.results import layout

HEADS = ("kind", "score", "path", "related_path")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", metavar="RESULTS", help="name of a run, a results folder or an s3:// URI")
    parser.add_argument("--kind", choices=KINDS, help="only photos of this kind")
    parser.add_argument("--most", type=int, metavar="N", help="only the N worst photos")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print the photos to check, worst first."""
    if given.most is not None and given.most < 1:
        raise WrongUseError(f"--most must be at least 1, got {given.most}.", "For instance: --most 20")
    content = _find(given.results, context).read(layout.QUALITY_TABLE)
    context.say(*lines(content, given.kind, given.most))
    return 0


def lines(content: bytes, kind: str | None = None, most: int | None = None) -> Sequence[str]:
    """Return a table of the photos in a ``quality/photos.csv``."""
    rows = [
        [row[name] for name in HEADS]
        for row in csv.DictReader(io.StringIO(content.decode(), newline=""))
        if kind in (None, row["kind"])
    ]
    if not rows:
        return [f"There are no photos to check{f' of the kind {kind}' if kind else ''}."]
    shown = rows[:most]
    table = in_columns([HEADS, *([of, f"{float(score):.4f}", *paths] for of, score, *paths in shown)], text_columns=4)
    return [*table, f"{len(shown):,} of {len(rows):,} photos."] if len(shown) < len(rows) else table


def _find(text: str, context: Context) -> RunFiles:
    """Return the files of a run on this machine, by its URI, or on the cluster."""
    if "://" in text:
        return RunFiles(text, layout.read_manifest(text), lambda path: storage.read_bytes(storage.join(text, path)))
    here = local_folder(text)
    if here is not None:
        return fetch.in_folder(here)
    return fetch.in_bucket(context.aws, stacks.data_bucket(context.aws), text)


COMMAND = Command(
    name="quality",
    summary="list photos to check: copies, suspected labels, outliers",
    details="The list is also in quality/photos.csv of the results, and the report shows the worst of them.",
    example="orchard quality first --kind label --most 20",
    add_arguments=_add_arguments,
    execute=execute,
)
