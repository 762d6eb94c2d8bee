"""``orchard upload``: a folder of photos to a set in the data bucket."""

import argparse
from pathlib import Path

from infra import invocation
from infra.aws import stacks
from infra.commands import Command
from infra.commands.kept_buckets import say_where_the_set_is_kept
from infra.commands.output.bar import duration, shown
from infra.context import Context
from infra.errors import NotSentError
from infra.upload import Result, Survey, Uploader, set_prefix, survey, upload, walk
from job.images import describe_ignored, is_photo

MOST_SHOWN = 100
"""Failures that are listed; the others are counted."""


def execute(given: argparse.Namespace, context: Context) -> int:
    """Upload a folder; raise NotSentError if a file is missing in the end."""
    folder: Path = given.folder
    name: str = given.name or folder.resolve().name
    prefix = set_prefix(name)
    found = survey(folder, every_file=given.every_file)
    unit = "files" if given.every_file else "photos"
    bucket = stacks.data_bucket(context.aws)
    context.say(f"{_described(found, unit)} to s3://{bucket}/{prefix}")
    ignored = "" if given.every_file else describe_ignored(found.ignored)
    context.say(*([ignored] if ignored else []))
    say_where_the_set_is_kept(context, bucket, prefix)
    uploader = Uploader(context.aws, bucket, prefix, context.sleep)
    files = (file for file in walk(folder) if given.every_file or is_photo(file.inside))
    began = context.clock()
    with shown(context.terminal, context.clock, found.files, unit) as step:
        result = upload(uploader, files, lambda _: step())
    took = context.clock() - began
    context.say(
        f"{result.sent:,} sent ({megabytes(result.sent_bytes)}) in {duration(took)}, "
        f"{result.already:,} were there already."
    )
    if result.extra:
        context.say(f"The set holds {result.extra:,} more that are not in this folder; they stay.")
    _raise_for_failures(result, unit, context)
    context.say(f"Next: {invocation.orchard(f'run --images {name} --on emr')}")
    return 0


def megabytes(size: int) -> str:
    """Return a size in units of a thousand: "5.2 MB"."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def _described(found: Survey, unit: str) -> str:
    labels = f"{len(found.labels):,} {'folder' if len(found.labels) == 1 else 'folders'}"
    return f"{found.files:,} {unit} ({megabytes(found.size)}) in {labels}"


def _raise_for_failures(result: Result, unit: str, context: Context) -> None:
    failures = sorted(result.failures)
    if not failures:
        return
    context.say(*failures[:MOST_SHOWN])
    if len(failures) > MOST_SHOWN:
        context.say(f"and {len(failures) - MOST_SHOWN:,} more.")
    raise NotSentError(
        f"{len(failures):,} of the {unit} could not be sent; they are listed above.",
        "Fix the causes, then type the same command again: it sends only what is missing.",
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="PATH", type=Path, help="folder of photos, one sub-folder a label")
    parser.add_argument("name", metavar="NAME", nargs="?", help="of the set (default: the folder's name)")
    parser.add_argument("--every-file", action="store_true", help="send other files as well, not photos alone")


COMMAND = Command(
    name="upload",
    summary="send a folder of photos; again, only what is missing",
    example="orchard upload ~/fruits/Training fruits",
    add_arguments=_add_arguments,
    execute=execute,
)
