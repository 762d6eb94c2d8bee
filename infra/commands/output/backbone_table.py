"""The table of backbones: what each takes and computes, and how large and fast its exported file is here."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.commands.output.text_table import in_columns
from job.errors import NotWrittenError
from job.features.network.backbone import Backbone, seconds_a_photo
from job.features.network.registry import NETWORKS
from job.storage import files as storage

NOT_EXPORTED = "not exported"


@dataclass(frozen=True)
class Exported:
    """The file of a backbone that was exported here.

    Parameters
    ----------
    bytes
        Its size.
    images_a_second
        On one core of this machine.
    """

    bytes: int
    images_a_second: float


def backbone_table(exported: dict[str, Exported]) -> list[str]:
    """Return the lines of the table.

    Parameters
    ----------
    exported
        By name; what is not in it was not exported here.
    """
    rows: list[Sequence[str]] = [("name", "input", "features", "file size", "images a second")]
    for name, network in NETWORKS.items():
        file = exported.get(name)
        size, speed = (f"{file.bytes / 1e6:,.1f} MB", f"{file.images_a_second:,.1f}") if file else (NOT_EXPORTED, "")
        rows.append((name, f"{network.side} x {network.side}", f"{network.features:,}", size, speed))
    return in_columns(rows)


def exported_here(cache: Path) -> dict[str, Exported]:
    """Return the newest exported file of each backbone, measured once and then remembered beside the file.

    Parameters
    ----------
    cache
        Folder of the exported files.
    """
    found = {}
    for name in NETWORKS:
        files = sorted(cache.glob(f"{name}-*.tflite"), key=lambda file: file.stat().st_mtime)
        if files:
            found[name] = Exported(files[-1].stat().st_size, images_a_second(files[-1]))
    return found


def images_a_second(file: Path) -> float:
    """Return how many photos a second one core computes; a second of measuring, the first time it is asked for."""
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
