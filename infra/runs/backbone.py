"""Finds the exported backbone that a run used, by the hash that its manifest names."""

import os
from pathlib import Path
from typing import Any

from infra.aws.client import Aws, explained
from infra.aws.names import nearest_name
from infra.aws.objects import download, exists
from infra.errors import RunFilesError
from infra.upload.models import model_key
from job.features.network.backbone import content_hash
from job.features.network.export import find_cached
from job.storage.files import cache_folder


def find_backbone(manifest: dict[str, Any], given: Path | None, aws: Aws, bucket: str | None) -> Path:
    """Return the file of a run's backbone, fetched from the data bucket where this machine does not have it."""
    if manifest["backbone"] is None:
        raise RunFilesError(
            "This run describes photos by visual words, and the phone's model is made of a network.",
            "Make it of a run with --descriptor cnn.",
        )
    name, wanted = str(manifest["backbone"]["name"]), str(manifest["backbone"]["sha256"])
    if given is not None:
        return _checked(given, name, wanted)
    cache = cache_folder(os.environ)
    named = Path(manifest["arguments"].get("model") or "")
    if named.is_file() and content_hash(named) == wanted:
        return named
    kept = find_cached(cache, name, wanted)
    if kept is not None:
        return kept
    key = model_key(wanted)
    if bucket is not None:
        with explained(f"fetch s3://{bucket}/{key}"):
            if exists(aws, bucket, key):
                # A plain file name, whatever the manifest says: whoever writes to the bucket writes it.
                file = cache / f"{nearest_name(f'{name}-{wanted[:16]}', 'backbone')}.tflite"
                download(aws, bucket, key, file)
                return _fetched(file, f"s3://{bucket}/{key}", wanted)
    raise RunFilesError(
        f"The backbone of this run ({name}, {manifest['backbone']['weights']}) is not on this machine"
        f"{'' if bucket is None else ', nor in the data bucket'}.",
        "Name its file with --model FILE, or export it again with the same weights: orchard export "
        f"--backbone {name} --weights FILE",
    )


def _checked(file: Path, name: str, wanted: str) -> Path:
    if not file.is_file():
        raise RunFilesError(f"There is no file '{file}'.", f"Name the exported {name} of the run.")
    if content_hash(file) != wanted:
        raise RunFilesError(
            f"'{file}' is not the backbone that this run used.",
            f"Name the exported {name} whose SHA-256 begins with {wanted[:12]}.",
        )
    return file


def _fetched(file: Path, uri: str, wanted: str) -> Path:
    if content_hash(file) != wanted:
        file.unlink()
        raise RunFilesError(
            f"'{uri}' is not the backbone that its name says.",
            "Name the file of the run's backbone: --model FILE; and find out who has changed that object.",
        )
    return file
