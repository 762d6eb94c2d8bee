"""``orchard export``: a backbone to one file, which can be kept, given to the job, or put into the data bucket."""

import argparse
import os
import shutil
from pathlib import Path

from infra.aws.stacks import data_bucket
from infra.commands.command import Command
from infra.commands.output.backbone_table import backbone_table, exported_here
from infra.context import Context
from infra.errors import NotWritableError
from infra.upload.content_addressed import place_model
from job.features.network.backbone import content_hash, read_description
from job.features.network.export import ExportRequest, cached_export
from job.features.network.registry import IMAGENET
from job.storage.files import cache_folder


def execute(given: argparse.Namespace, context: Context) -> int:
    """Export a backbone, unless that was done before, and say where it is; or list all backbones."""
    if given.list:
        for line in backbone_table(exported_here(cache_folder(os.environ))):
            context.say(line)
        context.say("Images a second: one core of this machine, measured once a file. Photos are RGB of any size.")
        return 0
    request = ExportRequest(given.backbone, given.weights, given.seed)
    # Asked before the export, which takes longer: a stack that is missing is said at once.
    bucket = data_bucket(context.aws) if given.upload else None
    file = cached_export(request)
    if given.to is not None:
        file = _copy(file, given.to)
    described = read_description(file)
    context.say(str(file))
    context.say(
        f"{described.name}, weights {described.weights}: photos of {described.width} x {described.height} pixels to "
        f"{described.features:,} features; {file.stat().st_size / 1e6:,.1f} MB, SHA-256 {content_hash(file)}"
    )
    if described.untrained:
        context.say("Its weights are random: everything runs, but the features mean nothing.")
    if bucket is not None:
        placed = place_model(context.aws, bucket, file)
        context.say(f"{'Sent to' if placed.sent else 'Already at'} {placed.uri}")
    return 0


def _copy(file: Path, destination: Path) -> Path:
    """Copy in one piece, so that an interrupted copy is never taken for a model."""
    target = destination / file.name if destination.is_dir() else destination
    temporary = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(file, temporary)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NotWritableError(
            f"'{target}' cannot be written: {error.strerror}.", "Name another place: --to FILE"
        ) from error
    return target


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backbone",
        metavar="NAME",
        default="mobilenet_v2",
        help="see --list (default: %(default)s)",
    )
    parser.add_argument(
        "--weights",
        default=IMAGENET,
        help="imagenet, random, or a file: .weights.h5, .h5, .keras or .tflite (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for random weights (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="what there is: input, features, file size, speed here")
    parser.add_argument("--to", type=Path, metavar="FILE", help="copy it there (default: it stays in the cache)")
    parser.add_argument("--upload", action="store_true", help="put it into the data bucket, unless it is there")


EXPORT = Command(
    name="export",
    summary="export a backbone to the one file that the job takes",
    example="orchard export --backbone mobilenet_v2 --upload",
    add_arguments=_add_arguments,
    execute=execute,
)
