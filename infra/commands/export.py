"""``orchard export``: export a backbone to one file, for ``--model`` or the data bucket."""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.aws import stacks
from infra.commands import Command, give_account
from infra.commands.output.tables import in_columns
from infra.context import Context
from infra.errors import NotWritableError, WrongUseError
from infra.upload import place_model
from job import storage
from job.errors import NotWrittenError
from job.features.network import FLOAT32, INT8, NETWORKS, Backbone, content_hash, read_description, seconds_a_photo
from job.features.network.export import ExportRequest, cached_export
from job.features.network.quantize import draw, quantized_network
from job.images import EXACT, TRAIN, listing
from job.options import add_backbone_options
from job.storage import cache_folder

NOT_EXPORTED = "not exported"


def execute(given: argparse.Namespace, context: Context) -> int:
    """Export a backbone, or take it from the cache, and print its file; or list all backbones."""
    if given.list:
        context.say(*backbone_table(exported_here(cache_folder(os.environ))))
        context.say("Photos per second: one core of this machine, measured once per file.")
        return 0
    if (given.precision == INT8) != (given.images is not None):
        option, other = (f"--precision {INT8}", "--images") if given.precision == INT8 else ("--images", "--precision")
        raise WrongUseError(
            f"{option} needs {other}{'' if other == '--images' else f' {INT8}'}.",
            f"For instance: --precision {INT8} --images photos/",
        )
    request = ExportRequest(given.backbone, given.weights, given.seed)
    # Checked before the export, which takes longer.
    bucket = stacks.data_bucket(context.aws) if given.upload else None
    file = cached_export(request)
    if given.precision == INT8:
        give_account(given)
        folder = storage.absolute_uri(given.images)
        file = quantized_network(file, draw(listing.list_photos(folder, TRAIN), folder, given.seed), EXACT, context.say)
    if given.output is not None:
        file = _copy(file, given.output)
    described = read_description(file)
    context.say(str(file))
    context.say(
        f"{described.name}, weights {described.weights}: photos of {described.width} x {described.height} pixels to "
        f"{described.features:,} features; {file.stat().st_size / 1e6:,.1f} MB, SHA-256 {content_hash(file)}"
    )
    if described.untrained:
        context.say("Warning: its weights are random, so the features are meaningless.")
    if bucket is not None:
        placed = place_model(context.aws, bucket, file)
        context.say(f"{'Sent to' if placed.sent else 'Already at'} {placed.uri}")
    return 0


def _copy(file: Path, destination: Path) -> Path:
    """Copy atomically, so that an interrupted copy is never mistaken for a model."""
    target = destination / file.name if destination.is_dir() else destination
    temporary = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(file, temporary)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NotWritableError(
            f"Cannot write '{target}': {error.strerror}.", "Choose another --output FILE."
        ) from error
    return target


@dataclass(frozen=True)
class Exported:
    """An exported file; its speed is that of one core of this machine."""

    bytes: int
    images_a_second: float


def backbone_table(exported: dict[str, Exported]) -> list[str]:
    """Return a table of all backbones; ``exported``: those on this machine, by name."""
    rows: list[Sequence[str]] = [("name", "input", "features", "file size", "photos/s")]
    for name, network in NETWORKS.items():
        file = exported.get(name)
        size, speed = (f"{file.bytes / 1e6:,.1f} MB", f"{file.images_a_second:,.1f}") if file else (NOT_EXPORTED, "")
        rows.append((name, f"{network.side} x {network.side}", f"{network.features:,}", size, speed))
    return in_columns(rows)


def exported_here(cache: Path) -> dict[str, Exported]:
    """Return the newest exported file of each backbone, with its speed."""
    found = {}
    for name in NETWORKS:
        files = sorted(cache.glob(f"{name}-*.tflite"), key=lambda file: file.stat().st_mtime)
        if files:
            found[name] = Exported(files[-1].stat().st_size, images_a_second(files[-1]))
    return found


def images_a_second(file: Path) -> float:
    """Return the photos per second of one core; measured once and cached next to the file."""
    remembered = file.with_suffix(".speed.json")
    measured_for = file.stat().st_mtime_ns
    try:
        known = json.loads(remembered.read_text())
        if known["of"] == measured_for:
            return float(known["images_a_second"])
    except (OSError, ValueError, KeyError):
        pass  # not measured yet, or the file has changed
    speed = 1 / seconds_a_photo(Backbone(file))
    content = json.dumps({"of": measured_for, "images_a_second": speed})
    # If it cannot be cached, the next call measures again.
    with suppress(NotWrittenError):
        storage.write_bytes(str(remembered.absolute()), content.encode())
    return speed


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backbone_options(parser)
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of random choices (default: %(default)s)"
    )
    parser.add_argument(
        "--precision",
        choices=(FLOAT32, INT8),
        default=FLOAT32,
        help=f"{FLOAT32} (default), or {INT8}: quantized with 300 photos of --images",
    )
    parser.add_argument("--images", metavar="FOLDER", help=f"with --precision {INT8}: photos to train on, not to test")
    parser.add_argument(
        "--list", action="store_true", help="list all networks: input, features, file size, speed on this machine"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="copy the file there (default: only the cache)")
    parser.add_argument(
        "--upload", action="store_true", help="upload the file to the data bucket, unless it is there already"
    )


COMMAND = Command(
    name="export",
    summary="export a backbone to one file for --model",
    example="orchard export --backbone mobilenet_v2 --upload",
    add_arguments=_add_arguments,
    execute=execute,
)
