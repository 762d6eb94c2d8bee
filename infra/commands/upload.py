"""``orchard upload``: send a folder of photos to the data bucket as a named set, and list the sets."""

import argparse
from pathlib import Path

from infra import invocation
from infra.aws import stacks
from infra.commands import Command
from infra.commands.kept_buckets import say_where_the_set_is_kept
from infra.commands.output.bar import duration, megabytes, shown
from infra.commands.output.tables import in_columns
from infra.context import Context
from infra.errors import NotSentError, WrongUseError
from infra.upload import Result, Survey, Uploader, set_prefix, survey, upload, uploaded_sets, walk
from job.images import describe_ignored, is_photo

MOST_SHOWN = 100
"""Failures that are listed; further ones are only counted."""


def execute(given: argparse.Namespace, context: Context) -> int:
    """Upload a folder, or list the uploaded sets; raise NotSentError if a file could not be sent."""
    if given.list:
        list_sets(context)
        return 0
    if given.folder is None:
        raise WrongUseError(
            "A folder of photos is required.",
            f"Name it: {invocation.orchard('upload photos/')}; or list uploaded sets: "
            + invocation.orchard("upload --list"),
        )
    folder: Path = given.folder
    name: str = given.name or folder.resolve().name
    prefix = set_prefix(name, str(folder))
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
        f"{result.already:,} were already uploaded."
    )
    if result.extra:
        context.say(f"The set has {result.extra:,} more files, which are not in this folder; they are kept.")
    _raise_for_failures(result, unit, context)
    context.say(f"Next: {invocation.orchard(f'run --images {name} --on emr')}")
    return 0


def list_sets(context: Context) -> None:
    """Print a table of the uploaded sets."""
    bucket = stacks.data_bucket(context.aws)
    found = uploaded_sets(context.aws, bucket)
    if not found:
        context.say(f"There are no uploaded sets in s3://{bucket}. Upload one: {invocation.orchard('upload photos/')}")
        return
    rows = [(each.name, f"{each.photos:,}", megabytes(each.bytes), f"{each.changed:%Y-%m-%d %H:%M}") for each in found]
    context.say(*in_columns([("set", "photos", "size", "uploaded (UTC)"), *rows]))


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
        f"{len(failures):,} {unit} could not be sent; they are listed above with their reasons.",
        "Fix the causes, then rerun the command: it sends only what is missing.",
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", type=Path, help="folder of photos, with one subfolder per label"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the set (default: the folder's name)")
    parser.add_argument("--list", action="store_true", help="list the uploaded sets instead")
    parser.add_argument("--every-file", action="store_true", help="also send files that are not photos")


COMMAND = Command(
    name="upload",
    summary="upload a folder of photos to S3; --list shows what is there",
    details="Send only files that are new or changed. The set then has a name for orchard run --on emr.",
    example="orchard upload ~/fruits/Training fruits",
    add_arguments=_add_arguments,
    execute=execute,
)
