"""Fetches a run's results: what the manifest lists, several files at a time."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, TextIO

from tqdm import tqdm

from infra.aws.client import Aws, explained
from infra.aws.objects import download, read_if_there
from infra.errors import RunFilesError, RunUnknownError, WrongUseError
from job.results import layout
from job.results.layout import listed_files

FILES_AT_A_TIME = 16


def manifest(aws: Aws, bucket: str, results_key: str) -> dict[str, Any]:
    """Return the manifest of a run.

    Raises
    ------
    WrongUseError
        If there is none.
    """
    found = manifest_if_there(aws, bucket, results_key)
    if found is None:
        raise _no_manifest(aws, bucket, results_key)
    return found


def manifest_if_there(aws: Aws, bucket: str, results_key: str, since: datetime | None = None) -> dict[str, Any] | None:
    """Return the manifest of a run, None where there is none.

    Parameters
    ----------
    aws
        The account and region.
    bucket, results_key
        Where the results are.
    since
        When the run began, if a manifest of an earlier one is not to be taken for its own.
    """
    with explained(f"read the results in s3://{bucket}/{results_key}"):
        body = read_if_there(aws, bucket, f"{results_key}/{layout.MANIFEST}", since)
    if body is None:
        return None
    content: dict[str, Any] = json.loads(body)
    layout.require_version(content, f"s3://{bucket}/{results_key}/{layout.MANIFEST}")
    return content


def fetch(aws: Aws, bucket: str, results_key: str, described: dict[str, Any], folder: Path, terminal: TextIO) -> int:
    """Copy a finished run's results to this machine; return how many files were copied.

    What an earlier run's results have left in the folder is taken away first. Files of the same run that are
    there with the right size are not copied again. The manifest comes last: a folder with a manifest is complete.

    Parameters
    ----------
    aws
        The account and region.
    bucket, results_key
        Where the results are.
    described
        Their manifest.
    folder
        Where they go.
    terminal
        Where a bar is drawn, if it is a terminal.

    Raises
    ------
    RunFilesError
        If the manifest lists what is no file of its folder.
    """
    outside = [path for path in listed_files(described) if not _is_inside(path)]
    if outside:
        raise RunFilesError(
            f"The manifest in s3://{bucket}/{results_key} lists '{outside[0]}', which is no file of its folder.",
            "The job writes no such manifest: find out who did, and run it again.",
        )
    _make_way_for(described["run_id"], folder)
    sizes = {entry["path"]: entry["bytes"] for entries in described["files"].values() for entry in entries}
    wanted = [path for path in listed_files(described) if not _is_there(folder / path, sizes.get(path))]
    with (
        ThreadPoolExecutor(FILES_AT_A_TIME) as pool,
        tqdm(total=len(wanted), unit=" files", file=terminal, disable=not terminal.isatty()) as bar,
        explained(f"fetch the results in s3://{bucket}/{results_key}"),
    ):
        for _ in pool.map(lambda path: download(aws, bucket, f"{results_key}/{path}", folder / path), wanted):
            bar.update()
        download(aws, bucket, f"{results_key}/{layout.MANIFEST}", folder / layout.MANIFEST)
    return len(wanted) + 1


def names(aws: Aws, bucket: str) -> list[str]:
    """Return the names of the runs that have left something, the newest by name first."""
    return sorted(_folders(aws, bucket), reverse=True)


def _folders(aws: Aws, bucket: str) -> Iterator[str]:
    with explained(f"list the results in s3://{bucket}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="results/", Delimiter="/")
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                yield entry["Prefix"].removeprefix("results/").rstrip("/")


def _make_way_for(run_id: str, folder: Path) -> None:
    """Take away what an earlier run's results have left here; the same run's are what a fetch goes on from."""
    here = folder / layout.MANIFEST
    if not here.is_file():
        return
    earlier = json.loads(here.read_text())
    # First of all: a folder that is only partly new must not look complete.
    here.unlink()
    if earlier.get("run_id") != run_id:
        for path in filter(_is_inside, listed_files(earlier)):
            (folder / path).unlink(missing_ok=True)


def _no_manifest(aws: Aws, bucket: str, results_key: str) -> WrongUseError:
    name, known = results_key.rsplit("/", 1)[1], names(aws, bucket)
    if name in known:
        return RunUnknownError(
            f"The run '{name}' is unfinished: s3://{bucket}/{results_key} holds no manifest.",
            f"Follow it: orchard status {name} --follow",
        )
    shown = f"Runs: {', '.join(known[:8])}." if known else "Start one: orchard run --images SET"
    return RunUnknownError(f"There is no run '{name}' in s3://{bucket}/results.", shown)


def _is_inside(path: str) -> bool:
    """Return whether a listed path stays in its folder: whoever may write to the bucket may write a manifest."""
    return not PurePath(path).is_absolute() and ".." not in PurePath(path).parts


def _is_there(file: Path, size: int | None) -> bool:
    return size is not None and file.is_file() and file.stat().st_size == size
