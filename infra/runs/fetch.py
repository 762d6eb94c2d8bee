"""Read a run's results where they are, or copy the files of its manifest to this machine."""

import itertools
import json
import shlex
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from infra import invocation
from infra.aws import Aws, download, explained, folders, read_if_there
from infra.errors import NotWritableError, RunFilesError, RunUnknownError, WrongUseError
from infra.runs.history import MOST_NAMED, newest_runs
from infra.runs.step import state_of
from job.errors import did_you_mean
from job.results import layout, listed_files

FILES_AT_A_TIME = 16

_FETCHING = ".fetching"
"""Exists while a fetch has not ended; holds the id of the run."""

_MARKS = (layout.MANIFEST, layout.PROGRESS, _FETCHING)
"""Files that only a results folder has."""

Shown = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Show the progress of a number of files during a block; yield the function to call for each file done."""


@dataclass(frozen=True)
class RunFiles:
    """A finished run and its files."""

    where: str  # the results folder, as the user named it
    manifest: dict[str, Any]
    read_if_there: Callable[[str], bytes | None]  # by path inside the folder; None for a missing file

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        content = self.read_if_there(path)
        if content is None:
            raise RunFilesError(
                f"'{self.where}' has no file {path}, which this needs.",
                "Fetch the results again; if the file is missing again, start the run again.",
            )
        return content


def in_bucket(aws: Aws, bucket: str, name: str) -> RunFiles:
    """Return the files of a run by its name."""
    key = f"results/{name}"

    def read(path: str) -> bytes | None:
        with explained(f"read s3://{bucket}/{key}/{path}"):
            return read_if_there(aws, bucket, f"{key}/{path}")

    return RunFiles(f"s3://{bucket}/{key}", manifest(aws, bucket, key), read)


def in_folder(folder: Path) -> RunFiles:
    """Return the files of a run in a folder of this machine."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return RunFiles(str(folder), layout.read_manifest(str(folder.absolute())), read)


def manifest(aws: Aws, bucket: str, results_key: str) -> dict[str, Any]:
    """Return the manifest of a run."""
    found = manifest_if_there(aws, bucket, results_key)
    if found is None:
        raise _no_manifest(aws, bucket, results_key)
    return found


def manifest_if_there(aws: Aws, bucket: str, results_key: str, since: datetime | None = None) -> dict[str, Any] | None:
    """Return the manifest of a run; None if there is none, or none written since the run started at ``since``."""
    with explained(f"read the results in s3://{bucket}/{results_key}"):
        body = read_if_there(aws, bucket, f"{results_key}/{layout.MANIFEST}", since)
    if body is None:
        return None
    content: dict[str, Any] = json.loads(body)
    layout.require_version(content, f"s3://{bucket}/{results_key}/{layout.MANIFEST}")
    return content


def fetch(
    aws: Aws,
    bucket: str,
    results_key: str,
    described: dict[str, Any],
    folder: Path,
    shown: Shown,
    *,
    overwrite: bool = False,
) -> int:
    """Copy a finished run's results to this machine; return how many files were copied.

    Files of the same run with the right size are not copied again. The manifest is copied last, so that a folder with a
    manifest is complete.

    Raises
    ------
    RunFilesError
        If the manifest lists a path outside its folder.
    NotWritableError
        If the folder holds results of another run, unless ``overwrite`` deletes them; or if it cannot be written.
    """
    outside = [path for path in listed_files(described) if not _is_inside(path)]
    if outside:
        raise RunFilesError(
            f"The manifest in s3://{bucket}/{results_key} lists '{outside[0]}', which is outside its folder.",
            "The job never writes such a manifest. Find out who changed it, then start the run again.",
        )
    try:
        return _copy(aws, bucket, results_key, described, folder, shown, overwrite=overwrite)
    except OSError as error:
        raise NotWritableError(
            f"Could not write to '{folder}': {error.strerror or error}.",
            f"Choose another folder: {_fetch_into(results_key, 'FOLDER')}",
        ) from error


def _copy(
    aws: Aws, bucket: str, results_key: str, described: dict[str, Any], folder: Path, shown: Shown, *, overwrite: bool
) -> int:
    _prepare(results_key, described["run_id"], folder, overwrite=overwrite)
    sizes = {entry["path"]: entry["bytes"] for entries in described["files"].values() for entry in entries}
    wanted = [path for path in listed_files(described) if not _is_there(folder / path, sizes.get(path))]
    with (
        ThreadPoolExecutor(FILES_AT_A_TIME) as pool,
        shown(len(wanted)) as step,
        explained(f"fetch the results in s3://{bucket}/{results_key}"),
    ):
        for _ in pool.map(lambda path: download(aws, bucket, f"{results_key}/{path}", folder / path), wanted):
            step()
        download(aws, bucket, f"{results_key}/{layout.MANIFEST}", folder / layout.MANIFEST)
    (folder / _FETCHING).unlink()
    return len(wanted) + 1


def names(aws: Aws, bucket: str) -> list[str]:
    """Return the names of the runs with files in the bucket, in reverse order."""
    with explained(f"list the results in s3://{bucket}"):
        return sorted(folders(aws, bucket, "results/"), reverse=True)


def _prepare(results_key: str, run_id: str, folder: Path, *, overwrite: bool) -> None:
    """Make a folder ready for a run's files; raise NotWritableError if it holds results of another run."""
    if _run_in(folder) not in (None, run_id):
        # A folder of source code may be called "features" too: replace only what a run or a fetch has marked.
        replaceable = any((folder / mark).is_file() for mark in _MARKS)
        if not (overwrite and replaceable):
            numbered = (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
            free = next(each for each in numbered if not each.exists())
            replace = "; or replace them: add --overwrite" if replaceable else ""
            raise NotWritableError(
                f"'{folder}' holds results of another run.",
                f"Fetch into another folder: {_fetch_into(results_key, shlex.quote(str(free)))}{replace}",
            )
        _remove_results(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Written before the manifest is removed: an interrupted fetch continues, but never mixes two runs.
    (folder / _FETCHING).write_text(run_id)
    (folder / layout.MANIFEST).unlink(missing_ok=True)


def _run_in(folder: Path) -> str | None:
    """Return the id of the run whose results a folder holds: "" if it is not known, None if there are no results."""
    if (folder / _FETCHING).is_file():
        return (folder / _FETCHING).read_text()
    try:
        return str(json.loads((folder / layout.MANIFEST).read_text())["run_id"])
    except (OSError, ValueError, KeyError):
        return "" if any((folder / name).exists() for name in layout.LAYOUT) else None


def _remove_results(folder: Path) -> None:
    for name in (*_MARKS, *layout.LAYOUT):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _fetch_into(results_key: str, folder: str) -> str:
    return invocation.orchard(f"results {results_key.rsplit('/', 1)[1]} --output {folder}")


def _no_manifest(aws: Aws, bucket: str, results_key: str) -> WrongUseError:
    name, known = results_key.rsplit("/", 1)[1], names(aws, bucket)
    if name in known:
        state = state_of(newest_runs(aws, {name}).get(name))
        return RunUnknownError(f"The run '{name}' has no results: it is {state}.", _how_to_finish(name, state))
    shown = (
        f"{did_you_mean(name, known)}Runs: {', '.join(known[:MOST_NAMED])}."
        if known
        else f"Start one: {invocation.orchard('run --images photos/ --on emr')}"
    )
    return RunUnknownError(f"There is no run '{name}' in s3://{bucket}/results.", shown)


def _how_to_finish(name: str, state: str) -> str:
    """Return what to do about a run without a manifest in a state of ``state_of``."""
    if state in ("waiting", "running"):
        return f"Follow it: {invocation.orchard(f'status {name} --follow')}"
    if state in ("failed", "finished"):
        return f"See why: {invocation.orchard(f'status {name} --follow')}"
    return f"Continue it: rerun the command that started it, with --name {name} --resume."


def _is_inside(path: str) -> bool:
    """Return whether a listed path is inside its folder: every user of the bucket may write a manifest."""
    return not PurePath(path).is_absolute() and ".." not in PurePath(path).parts


def _is_there(file: Path, size: int | None) -> bool:
    return size is not None and file.is_file() and file.stat().st_size == size
