"""Read a run's results where they are, or fetch what the manifest lists to this machine."""

import itertools
import json
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from infra import invocation
from infra.aws import Aws, download, explained, read_if_there
from infra.errors import NotWritableError, RunFilesError, RunUnknownError, WrongUseError
from job.results import layout, listed_files

FILES_AT_A_TIME = 16

Shown = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Shows the progress of so many files in a block; what it yields is called for each one done."""


@dataclass(frozen=True)
class RunFiles:
    """A finished run, and how its files are read."""

    where: str  # the results folder, as the user writes it
    manifest: dict[str, Any]
    read_if_there: Callable[[str], bytes | None]  # by path inside the folder; None if there is no such file

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        content = self.read_if_there(path)
        if content is None:
            raise RunFilesError(f"There is no {path} in '{self.where}'.", "Fetch the results again, or run it again.")
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
    """Return the manifest of a run, None if there is none that was written since a moment: the run's beginning."""
    with explained(f"read the results in s3://{bucket}/{results_key}"):
        body = read_if_there(aws, bucket, f"{results_key}/{layout.MANIFEST}", since)
    if body is None:
        return None
    content: dict[str, Any] = json.loads(body)
    layout.require_version(content, f"s3://{bucket}/{results_key}/{layout.MANIFEST}")
    return content


def fetch(aws: Aws, bucket: str, results_key: str, described: dict[str, Any], folder: Path, shown: Shown) -> int:
    """Copy a finished run's results to this machine; return how many files were copied.

    A folder that holds another run stays as it is. Files of the same run with the right size are not copied again.
    The manifest comes last, so that a folder with a manifest is complete.

    Raises
    ------
    RunFilesError
        If the manifest lists a path outside its folder.
    NotWritableError
        If the folder holds another run's results.
    """
    outside = [path for path in listed_files(described) if not _is_inside(path)]
    if outside:
        raise RunFilesError(
            f"The manifest in s3://{bucket}/{results_key} lists '{outside[0]}', which is no file of its folder.",
            "The job writes no such manifest: find out who did, and run it again.",
        )
    _require_same_run(results_key.rsplit("/", 1)[1], described["run_id"], folder)
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
    return len(wanted) + 1


def names(aws: Aws, bucket: str) -> list[str]:
    """Return the names of the runs that have left something, in reverse order."""
    with explained(f"list the results in s3://{bucket}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="results/", Delimiter="/")
        prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
    return sorted((prefix.removeprefix("results/").rstrip("/") for prefix in prefixes), reverse=True)


def _require_same_run(name: str, run_id: str, folder: Path) -> None:
    """Raise NotWritableError if a folder holds another run: a fetch only goes on from the same run's files."""
    here = folder / layout.MANIFEST
    if here.is_file():
        same = json.loads(here.read_text()).get("run_id") == run_id
    else:
        # A run leaves it until it has finished, a fetch that was interrupted never does.
        same = not (folder / layout.PROGRESS).exists()
    if not same:
        numbered = (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
        free = next(each for each in numbered if not each.exists())
        command = invocation.orchard(f"results {name} --output {shlex.quote(str(free))}")
        raise NotWritableError(f"'{folder}' holds another run's results.", f"Fetch into another folder: {command}")
    # A folder that is only partly new must not look complete.
    here.unlink(missing_ok=True)


def _no_manifest(aws: Aws, bucket: str, results_key: str) -> WrongUseError:
    name, known = results_key.rsplit("/", 1)[1], names(aws, bucket)
    if name in known:
        return RunUnknownError(
            f"The run '{name}' is unfinished: s3://{bucket}/{results_key} holds no manifest.",
            f"Follow it: {invocation.orchard(f'status {name} --follow')}",
        )
    shown = (
        f"Runs: {', '.join(known[:8])}." if known else f"Start one: {invocation.orchard('run --images SET --on emr')}"
    )
    return RunUnknownError(f"There is no run '{name}' in s3://{bucket}/results.", shown)


def _is_inside(path: str) -> bool:
    """Return whether a listed path stays in its folder: every user of the bucket may write a manifest."""
    return not PurePath(path).is_absolute() and ".." not in PurePath(path).parts


def _is_there(file: Path, size: int | None) -> bool:
    return size is not None and file.is_file() and file.stat().st_size == size
