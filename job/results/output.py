"""A run that writes into an output: what must not be there before, and what becomes of its files at its end."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from job.errors import OrchardError, OutputRefusedError, UsageError
from job.results import layout, lease
from job.results.layout import listed_files
from job.results.progress import Progress
from job.storage import files as storage
from job.storage import uri


@dataclass(frozen=True)
class Run:
    """A run under way.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Goes into the names of its files.
    started
        When, as the manifest says it.
    progress
        Tells the person how far it is.
    folder
        A folder of this machine for as long as it lasts.
    """

    output: str
    run_id: str
    started: str
    progress: Progress
    folder: Path


def into_output(
    output: str, may_hold_results: bool, folders: Sequence[str], carry_out: Callable[[Run], dict[str, Any]]
) -> dict[str, Any]:
    """Carry out a run that writes into an output, and put away what it wrote if it cannot be; return the manifest.

    Parameters
    ----------
    output
        URI of the results folder.
    may_hold_results
        Whether it may: they are replaced, or taken up.
    folders
        URIs of the photos.
    carry_out
        The run itself.
    """
    output = uri.absolute_uri(output)
    require_apart(output, folders)
    started, run_id = layout.utc_now(), layout.new_run_id(datetime.now(UTC))
    progress = Progress(output, run_id)
    if may_hold_results:
        lease.take_over(output, progress.say)
    else:
        lease.require_idle(output)
        layout.require_no_results(output)
    was_there = storage.folder_exists(output)
    with tempfile.TemporaryDirectory(prefix="orchard-") as folder:
        try:
            with progress.lease.kept():
                return carry_out(Run(output, run_id, started, progress, Path(folder)))
        except BaseException as error:
            if progress.lease.is_lost():
                # Nothing in the output is this run's to touch any more, and whatever failed may have failed of that.
                if isinstance(error, Exception):
                    progress.lease.require_held()
                raise
            # The first failure is what the person has to hear of, not one of putting things away after it.
            with suppress(OrchardError):
                _put_away(output, run_id, was_there, progress, keep_data=not isinstance(error, UsageError))
            raise


def _put_away(output: str, run_id: str, was_there: bool, progress: Progress, keep_data: bool) -> None:
    """Leave the output of a run that failed as another run may take it up, or as it was before."""
    if progress.lease.is_taken():
        progress.fail()
    if not (keep_data and layout.has_data(output, run_id)):
        layout.discard(output, run_id)
        if not was_there:
            storage.remove_empty_folder(output)


def require_apart(output: str, folders: Sequence[str]) -> None:
    """Raise UsageError if results would go among photos: a label may have the name of a results folder."""
    for folder in folders:
        photos = uri.absolute_uri(folder)
        if f"{uri.resolved(photos)}/".startswith(f"{uri.resolved(output)}/"):
            raise OutputRefusedError(
                f"The photos in '{photos}' lie in the output '{output}'.", "Choose an --output beside the photos."
            )


def begin_to_replace(run: Run) -> None:
    """Take away what makes earlier results count: from here on they are no longer whole; the new ones are in a moment.

    Raises
    ------
    OutputInUseError
        If another run has taken the output since; nothing is touched then.
    """
    run.progress.lease.require_held()
    for name in (layout.MANIFEST, layout.REPORT):
        storage.delete(uri.join(run.output, name))


def make_count(run: Run, manifest: dict[str, Any]) -> None:
    """Write the manifest: from now on the run's files count.

    Raises
    ------
    OutputInUseError
        If another run has taken the output since; nothing is written then.
    """
    run.progress.lease.require_held()
    layout.write_manifest(run.output, manifest)


def finish(run: Run, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest, delete what does not count, and say that the run is over; return the manifest."""
    make_count(run, manifest)
    layout.sweep(run.output, listed_files(manifest), run.run_id)
    run.progress.finish(manifest["counts"]["used"])
    return manifest
