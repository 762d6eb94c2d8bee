"""Find the exported backbone that a run used, on this machine or in the data bucket."""

import os
from pathlib import Path
from typing import Any

from infra import invocation
from infra.aws import Aws, download, exists, explained
from infra.errors import RunFilesError
from infra.upload import model_key
from job import run_names
from job.features.network import content_hash
from job.features.network.export import find_local_backbone
from job.storage import cache_folder


def find_backbone(manifest: dict[str, Any], given: Path | None, aws: Aws | None, bucket: str | None) -> Path:
    """Return the file of a run's backbone: the one that is given, else this machine's, else the data bucket's."""
    if manifest["backbone"] is None:
        raise RunFilesError(
            "A phone model needs a network, and this run used visual words.",
            "Use a run with --descriptor cnn.",
        )
    name, wanted = str(manifest["backbone"]["name"]), str(manifest["backbone"]["sha256"])
    if given is not None:
        if not given.is_file():
            raise RunFilesError(
                f"--model must be an existing file, got '{given}'.", f"Give the exported {name} of the run."
            )
        if content_hash(given) != wanted:
            raise RunFilesError(
                f"--model must be the backbone that the run used, got another one: '{given}'.",
                f"Use the exported {name} whose SHA-256 starts with {wanted[:12]}.",
            )
        return given
    cache = cache_folder(os.environ)
    found = find_local_backbone(manifest, cache)
    if found is None and aws is not None and bucket is not None:
        # Keep only the file name: any user of the bucket could write a path into the manifest.
        found = _download(
            aws, bucket, wanted, cache / f"{run_names.nearest(f'{name}-{wanted[:16]}', 'backbone')}.tflite"
        )
    if found is None:
        export = invocation.orchard(f"export --backbone {name} --weights FILE")
        raise RunFilesError(
            f"The backbone of this run ({name}, {manifest['backbone']['weights']}) was not found on this machine"
            f"{'' if bucket is None else ' or in the data bucket'}.",
            f"Give its file with --model FILE, or export it again with the same weights: {export}",
        )
    return found


def _download(aws: Aws, bucket: str, wanted: str, file: Path) -> Path | None:
    key = model_key(wanted)
    with explained(f"fetch s3://{bucket}/{key}"):
        if not exists(aws, bucket, key):
            return None
        download(aws, bucket, key, file)
    if content_hash(file) != wanted:
        file.unlink()
        raise RunFilesError(
            f"s3://{bucket}/{key} does not have the content that its name states.",
            "Give the run's backbone with --model FILE, and find out who changed that object.",
        )
    return file
