"""``orchard upload``: send a folder of photos to the data bucket as a named set, and list the sets."""

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path

from infra import invocation
from infra.aws import stacks
from infra.commands import Command
from infra.commands.kept_buckets import say_where_the_set_is_kept
from infra.commands.output.bar import duration, megabytes, shown
from infra.commands.output.tables import in_columns
from infra.context import Context
from infra.errors import NotSentError, WrongUseError
from infra.pricing import table_prices
from infra.upload import (
    SHARD_SIZE,
    SHARDS_AT_A_TIME,
    LocalFile,
    Result,
    SetFound,
    Survey,
    ToSend,
    Uploader,
    not_sent,
    plan,
    requests_of,
    require_no_shards,
    require_none_left_over,
    require_shards_only,
    set_prefix,
    survey,
    upload,
    uploaded_sets,
    usable,
    walk,
)
from job.images import describe_ignored, is_photo
from job.storage import is_archive

MANY_REQUESTS = 1000
"""Requests from which packing photos into shards is suggested."""

MOST_SHOWN = 100
"""Failures that are listed; further ones are only counted."""

MEGABYTE = 1_000_000

LARGEST_SHARD = 10_000
"""Megabytes: in 10,000 parts of 8 MiB, more than which S3 does not take, with room for photos that are larger."""


def execute(given: argparse.Namespace, context: Context) -> int:
    """Upload a folder or an archive, or list the uploaded sets; raise NotSentError if a file could not be sent."""
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
    named = folder.resolve()
    name: str = given.name or (named.stem if is_archive(named.name) and not folder.is_dir() else named.name)
    prefix = set_prefix(name, str(folder))
    if given.shard_size and not given.shards:
        raise WrongUseError(
            "--shard-size needs --shards.",
            f"Add it: {invocation.orchard(f'upload {shlex.quote(str(folder))} {name} --shards')}",
        )
    found = survey(folder, every_file=given.every_file)
    unit = "files" if given.every_file else "photos"
    bucket = stacks.data_bucket(context.aws)
    context.say(f"{_described(found, unit)} to s3://{bucket}/{prefix}")
    ignored = "" if given.every_file else describe_ignored(found.ignored)
    context.say(*([ignored] if ignored else []))
    say_where_the_set_is_kept(context, bucket, prefix)
    uploader = Uploader(context.aws, bucket, prefix, context.sleep)
    files = (file for file in walk(folder) if given.every_file or is_photo(file.inside))
    if given.shards:
        leftover, result = _send_shards(given, context, uploader, files, found, name)
    else:
        require_no_shards(uploader, name, str(folder))
        context.say(*_cost(context, found.requests))
        leftover, result = [], _send(context, uploader, files, found.files, unit)
    if result.extra and not leftover:
        context.say(f"The set has {result.extra:,} more files, which are not in this folder; they are kept.")
    _raise_for_failures(result, "files" if given.shards else unit, context)
    require_none_left_over(context.aws, f"s3://{bucket}/{prefix}", leftover)
    context.say(f"Next: {invocation.orchard(f'run --images {name} --on emr')}")
    return 0


def _send(
    context: Context, uploader: Uploader, files: Iterable[ToSend], count: int, unit: str, threads: int | None = None
) -> Result:
    """Send files with a progress bar, and say what was sent."""
    began = context.clock()
    with shown(context.terminal, context.clock, count, unit) as step:
        result = upload(uploader, files, lambda _: step(), threads)
    took = context.clock() - began
    context.say(
        f"{result.sent:,} sent ({megabytes(result.sent_bytes)}) in {duration(took)}, "
        f"{result.already:,} were already uploaded."
    )
    return result


def _send_shards(
    given: argparse.Namespace,
    context: Context,
    uploader: Uploader,
    files: Iterable[LocalFile],
    found: Survey,
    name: str,
) -> tuple[list[str], Result]:
    """Send files in shards; return the shards of the set that are left over, and the result."""
    stored = require_shards_only(uploader.stored(), name, str(given.folder))
    failures: list[str] = []
    packable = usable(files, lambda file, reason: failures.append(not_sent(file, reason).message))
    shards = plan(packable, given.shard_size or SHARD_SIZE)
    number = f"{len(shards):,} {'shard' if len(shards) == 1 else 'shards'}"
    context.say(f"Packed into {number} ({megabytes(sum(shard.size for shard in shards))}).")
    context.say(*_cost(context, sum(requests_of(shard.size) for shard in shards), found.requests))
    result = _send(context, uploader, shards, len(shards), "shards", SHARDS_AT_A_TIME)
    result.failures += failures
    return sorted({*stored} - {shard.inside for shard in shards}), result


def _cost(context: Context, requests: int, singly: int | None = None) -> list[str]:
    """Return a line on what sending costs; none on the local cloud, or if the price is not known."""
    price = None if context.aws.on_this_machine else table_prices(context.aws.region, ()).thousand_writes
    if price is None:
        return []
    line = f"This takes at most {requests:,} requests to S3, {_usd(requests, price)}"
    if singly is not None:
        return [f"{line}, instead of {singly:,} and {_usd(singly, price)} for single files."]
    return [f"{line}; far fewer with --shards." if requests >= MANY_REQUESTS else f"{line}."]


def _usd(requests: int, price: float) -> str:
    usd = requests * price / 1000
    return f"{usd:,.3f} USD" if usd >= 0.001 else "less than 0.001 USD"


def list_sets(context: Context) -> None:
    """Print a table of the uploaded sets."""
    bucket = stacks.data_bucket(context.aws)
    found = uploaded_sets(context.aws, bucket)
    if not found:
        context.say(f"There are no uploaded sets in s3://{bucket}. Upload one: {invocation.orchard('upload photos/')}")
        return
    rows = [(each.name, _photos_of(each), megabytes(each.bytes), f"{each.changed:%Y-%m-%d %H:%M}") for each in found]
    context.say(*in_columns([("set", "photos", "size", "uploaded (UTC)"), *rows]))


def _photos_of(found: SetFound) -> str:
    """Return the single photos of a set, else its archives: counting the photos inside would take a read of each."""
    return f"in {found.archives:,} archives" if found.archives and not found.photos else f"{found.photos:,}"


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
        "folder", metavar="FOLDER", nargs="?", type=Path, help="folder of photos by label, or a .zip or .tar of one"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the set (default: the folder's name)")
    parser.add_argument("--list", action="store_true", help="list the uploaded sets instead")
    parser.add_argument("--every-file", action="store_true", help="also send files that are not photos")
    parser.add_argument("--shards", action="store_true", help="pack the photos into .tar shards: fewer requests")
    parser.add_argument(
        "--shard-size", metavar="MB", type=_megabytes, help=f"size of a shard (default: {SHARD_SIZE // MEGABYTE})"
    )


def _megabytes(text: str) -> int:
    """Return a number of megabytes as bytes."""
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_SHARD:
        raise argparse.ArgumentTypeError(f"must be a whole number of megabytes from 1 to {LARGEST_SHARD}, got '{text}'")
    return int(text) * MEGABYTE


COMMAND = Command(
    name="upload",
    summary="upload a folder of photos to S3; --list shows what is there",
    details="Send only files that are new or changed. The set then has a name for orchard run --on emr.",
    example="orchard upload ~/fruits/Training fruits",
    add_arguments=_add_arguments,
    execute=execute,
)
