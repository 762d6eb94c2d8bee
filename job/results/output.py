"""Open an output for a run, and commit or clean up its files at the end."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from job import storage
from job.errors import OrchardError, OutputRefusedError, UsageError
from job.results import layout, lease
from job.results.layout import listed_files
from job.results.progress import Progress


@dataclass(frozen=True)
class Run:
    """A run in progress."""

    output: str
    run_id: str
    started: str
    progress: Progress
    folder: Path


@contextmanager
def open_run(output: str, may_hold_results: bool, folders: Sequence[str]) -> Iterator[Run]:
    """Hold an output's lease while the block lasts; if the block raises, clean up what the run wrote.

    A UsageError deletes all files of the run. After another failure its data files stay, for ``--resume``.

    Parameters
    ----------
    may_hold_results
        Whether the output may contain results, which are then replaced or resumed.
    folders
        URIs of the photos, which must be outside the output.
    """
    output = storage.absolute_uri(output)
    _require_apart(output, folders)
    started, run_id = layout.utc_now(), layout.new_run_id(datetime.now(UTC))
    progress = Progress(output, run_id)
    if may_hold_results:
        lease.take_over(output, progress.say)
    else:
        lease.require_idle(output)
        layout.require_no_results(output)
    created = storage.missing_folders(output)
    with tempfile.TemporaryDirectory(prefix="orchard-") as folder:
        try:
            with progress.lease.kept_alive():
                yield Run(output, run_id, started, progress, Path(folder))
        except BaseException as error:
            if progress.lease.is_lost():
                # The output now belongs to another run, and that may have caused the failure.
                if isinstance(error, Exception):
                    progress.lease.require_held()
                raise
            # Report the first failure, not one of the clean-up after it.
            with suppress(OrchardError):
                _clean_up(output, run_id, created, progress, keep_data=not isinstance(error, UsageError))
            raise


def _clean_up(output: str, run_id: str, created: Sequence[str], progress: Progress, keep_data: bool) -> None:
    """Leave the output of a failed run as another run can resume it, or as it was before."""
    if progress.lease.is_taken():
        progress.fail()
    if not (keep_data and layout.has_data(output, run_id)):
        layout.discard(output, run_id)
        for folder in created:
            storage.remove_empty_folder(folder)


def _require_apart(output: str, folders: Sequence[str]) -> None:
    """Raise OutputRefusedError if photos are in the output: a label may have the name of a results folder."""
    for folder in folders:
        photos = storage.absolute_uri(folder)
        if f"{storage.resolved(photos)}/".startswith(f"{storage.resolved(output)}/"):
            raise OutputRefusedError(
                f"The output must not contain the photos, got '{output}' with the photos in '{photos}'.",
                "Choose an --output next to the photos.",
            )


def begin_to_replace(run: Run) -> None:
    """Delete the manifest and report of earlier results, whose other files are replaced next.

    Raises
    ------
    OutputInUseError
        If another run has taken the output since; nothing is deleted then.
    """
    run.progress.lease.require_held()
    for name in (layout.MANIFEST, layout.REPORT):
        storage.delete(storage.join(run.output, name))


def commit(run: Run, manifest: dict[str, Any]) -> None:
    """Write the manifest: from now on the run's files count.

    Raises
    ------
    OutputInUseError
        If another run has taken the output since; nothing is written then.
    """
    run.progress.lease.require_held()
    layout.write_manifest(run.output, manifest)


def finish(run: Run, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest, delete the files that it does not list, and release the lease; return the manifest."""
    commit(run, manifest)
    layout.sweep(run.output, listed_files(manifest), run.run_id)
    run.progress.finish(manifest["counts"]["used"])
    return manifest
