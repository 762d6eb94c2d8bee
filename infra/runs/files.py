"""The files of one finished run, wherever they are: below a name in the data bucket, or in a folder of this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.aws.client import Aws, explained
from infra.aws.objects import read_if_there
from infra.errors import RunFilesError
from infra.runs import fetch
from job.results import layout


@dataclass(frozen=True)
class RunFiles:
    """A finished run, and how its files are read."""

    where: str  # the results folder, as a person writes it
    manifest: dict[str, Any]
    # Returns the content of a file of the folder by its path inside; None where there is no such file
    read_if_there: Callable[[str], bytes | None]

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

    return RunFiles(f"s3://{bucket}/{key}", fetch.manifest(aws, bucket, key), read)


def in_folder(folder: Path) -> RunFiles:
    """Return the files of a run that lie on this machine."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return RunFiles(str(folder), layout.read_manifest(str(folder.absolute())), read)
