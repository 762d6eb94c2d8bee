"""``orchard export``: a backbone to one file, for the job's ``--model`` or the data bucket."""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.aws import stacks
from infra.commands import Command
from infra.commands.output.tables import in_columns
from infra.context import Context
from infra.errors import NotWritableError
from infra.upload import place_model
from job import storage
from job.errors import NotWrittenError
from job.features.network import NETWORKS, Backbone, content_hash, read_description, seconds_a_photo
from job.features.network.export import ExportRequest, cached_export
from job.options import add_backbone_options
from job.storage import cache_folder

NOT_EXPORTED = "not exported"


def execute(given: argparse.Namespace, context: Context) -> int:
    """Export a backbone, unless that was done before, and say where it is; or list all backbones."""
    if given.list:
        context.say(*backbone_table(exported_here(cache_folder(os.environ))))
        context.say("Images a second: one core of this machine, measured once a file. Photos are RGB of any size.")
        return 0
    request = ExportRequest(given.backbone, given.weights, given.seed)
    # Before the export, which takes longer: report a missing stack at once.
    bucket = stacks.data_bucket(context.aws) if given.upload else None
    file = cached_export(request)
    if given.output is not None:
        file = _copy(file, given.output)
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
    """Copy in one piece, so that an interrupted copy is never mistaken for a model."""
    target = destination / file.name if destination.is_dir() else destination
    temporary = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(file, temporary)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NotWritableError(
            f"'{target}' cannot be written: {error.strerror}.", "Name another place: --output FILE"
        ) from error
    return target


@dataclass(frozen=True)
class Exported:
    """The file of a backbone that was exported here; its speed is that of one core of this machine."""

    bytes: int
    images_a_second: float


def backbone_table(exported: dict[str, Exported]) -> list[str]:
    """Return a table of all backbones; ``exported`` has those that were exported here, by name."""
    rows: list[Sequence[str]] = [("name", "input", "features", "file size", "images a second")]
    for name, network in NETWORKS.items():
        file = exported.get(name)
        size, speed = (f"{file.bytes / 1e6:,.1f} MB", f"{file.images_a_second:,.1f}") if file else (NOT_EXPORTED, "")
        rows.append((name, f"{network.side} x {network.side}", f"{network.features:,}", size, speed))
    return in_columns(rows)


def exported_here(cache: Path) -> dict[str, Exported]:
    """Return the newest exported file of each backbone, measured once and then remembered beside the file."""
    found = {}
    for name in NETWORKS:
        files = sorted(cache.glob(f"{name}-*.tflite"), key=lambda file: file.stat().st_mtime)
        if files:
            found[name] = Exported(files[-1].stat().st_size, images_a_second(files[-1]))
    return found


def images_a_second(file: Path) -> float:
    """Return how many photos a second one core computes; the first call measures for a second."""
    remembered = file.with_suffix(".speed.json")
    measured_for = file.stat().st_mtime_ns
    try:
        known = json.loads(remembered.read_text())
        if known["of"] == measured_for:
            return float(known["images_a_second"])
    except (OSError, ValueError, KeyError):
        pass  # never measured, or not for this file: it is measured now
    speed = 1 / seconds_a_photo(Backbone(file))
    content = json.dumps({"of": measured_for, "images_a_second": speed})
    # Where it cannot be kept, it is measured again the next time.
    with suppress(NotWrittenError):
        storage.write_bytes(str(remembered.absolute()), content.encode())
    return speed


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backbone_options(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for random weights (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list them: input, features, file size, speed here")
    parser.add_argument("--output", type=Path, metavar="FILE", help="copy it there (default: it stays in the cache)")
    parser.add_argument("--upload", action="store_true", help="put it into the data bucket, unless it is there")


COMMAND = Command(
    name="export",
    summary="export a backbone to the one file that the job takes",
    example="orchard export --backbone mobilenet_v2 --upload",
    add_arguments=_add_arguments,
    execute=execute,
)
