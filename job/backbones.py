"""Find the network file that a run computes with: exported, given, kept by an earlier run, or quantized now."""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from job import storage
from job.arguments import Arguments
from job.errors import BackboneError
from job.features.network import FLOAT32, INT8, BackboneDescription, read_description
from job.features.network.export import ExportRequest, cached_export
from job.features.network.quantize import Say, draw, is_of, quantized_network
from job.inputs import training_folder
from job.results import DataFile, layout, resume
from job.results.output import Run


def choose(arguments: Arguments, photos: pa.Table, folder: Path, say: Say) -> Path:
    """Return the file of the network that the arguments ask for.

    Parameters
    ----------
    photos
        The listing; its training photos calibrate an int8 network.
    folder
        For copies.

    Raises
    ------
    UsageError
        If there is no such file, if it does not go with ``--precision``, or if it does not quantize well.
    """
    if arguments.model is None:
        model = cached_export(ExportRequest(arguments.backbone, arguments.weights, arguments.seed))
    else:
        model = storage.local_copy(storage.absolute_uri(arguments.model), folder)
    precision = read_description(model).precision
    if precision == arguments.precision:
        return model
    if arguments.precision == FLOAT32:
        raise BackboneError(
            f"--precision must be {precision} with the network '{arguments.model or arguments.weights}', "
            f"got {arguments.precision}.",
            f"Add --precision {precision}",
        )
    inside = training_folder(arguments)
    kept = _kept_before(arguments.output, model, photos, inside, folder) if arguments.resume else None
    return kept or quantized_network(model, draw(photos, inside, arguments.seed), arguments.decode, say)


def keep(run: Run, model: Path, described: BackboneDescription) -> list[DataFile]:
    """Write an int8 network to the results, for ``--resume`` and predictions; a float32 one can be exported again."""
    if described.precision != INT8:
        return []
    name = layout.data_file_name(layout.BACKBONE, run.run_id, 0, 0, "tflite")
    return [layout.write_file(run.output, name, 1, model.read_bytes())]


def _kept_before(output: str, model: Path, photos: pa.Table, inside: str, folder: Path) -> Path | None:
    """Return the newest network in the results that was quantized from a model by photos that are still trained on."""
    results = storage.absolute_uri(output)
    for name in resume.data_files(results, layout.BACKBONE):
        # A damaged file is like none: the network is quantized again.
        with suppress(BackboneError):
            kept = storage.local_copy(storage.join(results, name), folder)
            if is_of(kept, model, photos, inside):
                return kept
    return None
