"""Tests of the job on abfs://, against Microsoft's own emulator of Azure storage."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from job.results import layout
from job.storage import files as storage
from job.storage import filesystem as filesystems

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's published account; it opens nothing else."""

CONTAINER = f"abfs://photos@{ACCOUNT}.dfs.core.windows.net"


@pytest.fixture
def azurite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the emulator on a free port of this machine, with one container."""
    for source in (Path(__file__).parent / "azurite").iterdir():
        shutil.copy(source, tmp_path)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=tmp_path, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    options += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    emulator = subprocess.Popen([tmp_path / "node_modules" / ".bin" / "azurite-blob", *options], cwd=tmp_path)
    try:
        wait_until_it_answers(port)
        monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
        monkeypatch.setenv("AZURE_STORAGE_BLOB_AUTHORITY", f"127.0.0.1:{port}")
        monkeypatch.setenv("AZURE_STORAGE_SCHEME", "http")
        filesystem, container = filesystems.open_filesystem(CONTAINER)
        filesystem.create_dir(container)
        yield
    finally:
        emulator.terminate()
        emulator.wait(timeout=20)


def wait_until_it_answers(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("the emulator did not answer within 20 seconds")


@pytest.mark.slow
@pytest.mark.usefixtures("azurite")
def test_photos_and_results_on_azure(sample_photos: Path, random_backbone: Path) -> None:
    for photo in sample_photos.glob("*/*.jpg"):
        storage.write_bytes(f"{CONTAINER}/images/{photo.relative_to(sample_photos)}", photo.read_bytes())
    words = ["--images", f"{CONTAINER}/images", "--model", str(random_backbone)]
    words += ["--output", f"{CONTAINER}/results", "--components", "4"]

    # In a process of its own, so that Spark's workers are born with the emulator's address in their environment
    subprocess.run([sys.executable, "-m", "job", *words], check=True, env=dict(os.environ))

    manifest = layout.read_manifest(f"{CONTAINER}/results")
    assert manifest["counts"]["used"] == 40
    components = layout.read_parquet(f"{CONTAINER}/results", manifest["files"]["components"][0]["path"])
    assert components["path"][0].as_py().startswith(f"{CONTAINER}/images/")
    assert isinstance(filesystems.open_filesystem(CONTAINER)[0], fs.AzureFileSystem)
