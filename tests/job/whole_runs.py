"""What tests of whole runs share: photos in splits, the run itself, what it has written, and how it fails."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from job.__main__ import main
from job.errors import OrchardError, kinds
from tests.error_report import codes, told

Manifest = dict[str, Any]


def copy_in_splits(sample_photos: Path, folder: Path) -> None:
    """Copy the sample's 10 labels into a folder: 3 photos each into ``training``, 1 each into ``test``."""
    for photo in sorted(sample_photos.glob("*/*.jpg")):
        split = "test" if photo.name == "003.jpg" else "training"
        (folder / split / photo.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, folder / split / photo.parent.name)


def run(output: Path, *words: str) -> Manifest:
    """Run the job to its end, without CSV; return its manifest."""
    assert main([*words, "--no-csv", "--master", "local[2]", "--output", str(output)]) == 0
    manifest: Manifest = json.loads((output / "manifest.json").read_text())
    return manifest


def failure(argv: list[str], capsys: pytest.CaptureFixture[str]) -> OrchardError:
    """Run the job; return the error that it reported, whose exit code it must have ended with."""
    code = main(argv)
    written = capsys.readouterr().err
    kind = next(kind for kind in kinds() if [kind.code] == codes(written))
    assert code == kind.exit_code
    message, hint = told(written)[-2:]
    return kind(message.removeprefix("error: "), hint)


def read_all(output: Path, data_set: str, manifest: Manifest) -> pd.DataFrame:
    """Return the rows of the Parquet files that the manifest lists, by path."""
    files = [output / entry["path"] for entry in manifest["files"][data_set] if entry["path"].endswith(".parquet")]
    return pd.concat([pq.read_table(file).to_pandas() for file in files]).sort_values("path", ignore_index=True)
