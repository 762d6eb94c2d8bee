"""Export a Keras network to one TensorFlow Lite file with colour scaling, network and pooling.

Only the export needs Keras and TensorFlow, and only the submitting machine has them. They run in a child process,
because they are large, slow to import and print a lot: ``python -m job.features.network.export --help``.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from job.errors import (
    BackboneError,
    ExportFailedError,
    NotInstalledError,
    OrchardError,
    UsageError,
    kinds,
    tell,
)
from job.features.network.backbone import BackboneDescription, content_hash, embed_description, read_description
from job.features.network.registry import IMAGENET, NETWORKS, RANDOM, require_network
from job.features.network.weights_packages import WEIGHTS_PACKAGES, find_package
from job.spark import bundle
from job.storage import cache_folder

EXPORT_VERSION = 1
"""Part of the cache key. Raise it when an exported file changes although network, weights and libraries do not."""


@dataclass(frozen=True)
class ExportRequest:
    """A network and its weights."""

    backbone: str  # a key of ``NETWORKS``
    weights: str  # ``IMAGENET``, ``RANDOM``, or a file: Keras weights, a ``.keras`` model, ``.tflite`` or ``.pth``
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError if the network is unknown or the weights file cannot be read."""
        require_network(self.backbone)
        if self.weights in (IMAGENET, RANDOM):
            return
        path = Path(self.weights)
        if not path.is_file():
            raise BackboneError(
                f"--weights must be imagenet, random or an existing file, got '{self.weights}'.",
                "Give a file of Keras weights, a .keras model or an exported .tflite file.",
            )
        if not os.access(path, os.R_OK):
            raise BackboneError(
                f"No permission to read the weights file '{self.weights}'.", f"chmod u+r '{self.weights}'"
            )

    @property
    def names_exported_file(self) -> bool:
        """Whether the weights are an exported file already."""
        return self.weights.endswith(".tflite")

    def provenance(self) -> str:
        """Return the entry ``weights`` of the description."""
        if self.weights == IMAGENET:
            return IMAGENET
        if self.weights == RANDOM:
            return f"{RANDOM}, seed {self.seed}"
        return f"file sha256:{content_hash(self.weights)}"


def cached_export(request: ExportRequest, cache: Path | None = None) -> Path:
    """Return the exported file of a backbone, from the cache if it has been exported before.

    ``cache``: folder of exported files; None for the user's cache folder.
    """
    if request.names_exported_file:
        return _exported_before(request)
    folder = cache if cache is not None else cache_folder(os.environ)
    kept = folder / f"{request.backbone}-{cache_key(request)}.tflite"
    if not kept.is_file():
        if request.weights == IMAGENET and request.backbone in WEIGHTS_PACKAGES:
            # Here, because the child process takes seconds to start.
            find_package(request.backbone)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BackboneError(
                f"Cannot create the folder '{folder}' for exported backbones: {error.strerror}.",
                "Set XDG_CACHE_HOME to a folder that you can write to.",
            ) from error
        _export_in_own_process(request, kept)
    return kept


def find_local_backbone(manifest: Mapping[str, Any], cache: Path) -> Path | None:
    """Return the exported file that a run used, found by its SHA-256 in the cache or at its --model; else None."""
    name, wanted = manifest["backbone"]["name"], manifest["backbone"]["sha256"]
    given = Path(manifest["arguments"].get("model") or "")
    candidates = [*sorted(cache.glob(f"{name}-*.tflite")), given]
    return next((file for file in candidates if file.is_file() and content_hash(file) == wanted), None)


def cache_key(request: ExportRequest) -> str:
    """Return a digest of everything that determines the content of an exported file."""
    try:
        versions = [importlib.metadata.version(name) for name in ("keras", "ai-edge-litert")]
    except importlib.metadata.PackageNotFoundError as error:
        raise NotInstalledError(
            f"Exporting a backbone requires {error.name}, which is not installed here.",
            "Export it on the submitting machine with orchard export, then use --model FILE.",
        ) from error
    parts = [str(EXPORT_VERSION), request.backbone, request.provenance(), *versions]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def export(request: ExportRequest, destination: Path) -> None:
    """Build the network in this process, convert it and write the file atomically."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    # Imported here: they take seconds to import.
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from job.features.network.keras_network import build  # noqa: PLC0415

    network = NETWORKS[request.backbone]
    model = build(keras, request.backbone, network, request.weights, request.seed)
    converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    description = BackboneDescription(
        name=request.backbone,
        weights=request.provenance(),
        width=network.side,
        height=network.side,
        features=int(model.output_shape[-1]),
    )
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}")
    temporary.write_bytes(embed_description(converted, description))
    temporary.replace(destination)


def _exported_before(request: ExportRequest) -> Path:
    described = read_description(request.weights)
    if described.name != request.backbone:
        raise BackboneError(
            f"--weights must match --backbone {request.backbone}, got an exported {described.name}: "
            f"'{request.weights}'.",
            f"Use --backbone {described.name}, or give the file with --model.",
        )
    return Path(request.weights)


def _export_in_own_process(request: ExportRequest, destination: Path) -> None:
    argv = ["--backbone", request.backbone, "--weights", request.weights, "--seed", str(request.seed)]
    argv += ["--output", str(destination)]
    run_in_own_process("job.features.network.export", argv, f"Exporting the backbone {request.backbone}")


def run_in_own_process(module: str, argv: Sequence[str], task: str) -> None:
    """Run a program of this package in a child process.

    ``task``: what it does, for the message of a failure.

    Raises
    ------
    UsageError
        The one that the program printed.
    ExportFailedError
        After any other failure.
    """
    command = [sys.executable, "-m", module, *argv]
    environment = {**os.environ, **bundle.import_path(os.environ.get("PYTHONPATH", ""))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode == 0:
        return
    error = _error_of(done.stdout)
    if isinstance(error, UsageError):
        raise error
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    reason = lines[-1] if lines else f"exit code {done.returncode}"
    raise ExportFailedError(
        f"{task} failed: {reason}",
        f"See the full message: {' '.join(['python', *command[1:]])}",
    )


def _error_of(printed: str) -> OrchardError | None:
    """Return the error that ``main`` printed as JSON; None if it printed none."""
    try:
        found = json.loads(printed.splitlines()[-1])
        kind = next(kind for kind in kinds() if kind.code == found["code"])
        return kind(found["message"], found["hint"])
    except (ValueError, LookupError, TypeError, StopIteration):
        return None


def main(argv: list[str] | None = None) -> int:
    """Export one backbone from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m job.features.network.export", description=__doc__)
    parser.add_argument("--backbone", default="mobilenet_v2", help="the network (default: %(default)s)")
    parser.add_argument("--weights", default=IMAGENET, help="imagenet, random or a file (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="for random weights (default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to write")
    given = parser.parse_args(argv)
    try:
        export(ExportRequest(given.backbone, given.weights, given.seed), given.output)
    except OrchardError as error:
        # The parent process reads this line.
        sys.stdout.write(json.dumps({"code": error.code, "message": error.message, "hint": error.hint}) + "\n")
        return tell(error, [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
