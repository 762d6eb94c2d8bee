"""Tests of job/storage/filesystem.py."""

import pytest
from pyarrow import fs

from job.errors import AddressError
from job.storage import filesystem as filesystems


@pytest.mark.parametrize(
    ("uri", "fix"),
    [
        ("ftp://host/photos", "s3://"),
        ("s3:///photos", "s3://BUCKET/FOLDER"),
        ("abfs://container/photos", "abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER"),
    ],
)
def test_refuses_uri_without_known_storage(uri: str, fix: str) -> None:
    with pytest.raises(AddressError) as raised:
        filesystems.open_filesystem(uri)

    assert f"'{uri}'" in raised.value.message
    assert fix in raised.value.hint


def test_azure_paths_lead_to_the_container_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")

    filesystem, path = filesystems.open_filesystem("abfs://photos@account.dfs.core.windows.net/fruit/apple")

    assert isinstance(filesystem, fs.AzureFileSystem)
    assert path == "photos/fruit/apple"


def test_azure_emulator_is_reached_at_its_address_and_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")
    monkeypatch.setenv("AZURE_STORAGE_BLOB_AUTHORITY", "127.0.0.1:10000")
    monkeypatch.setenv("AZURE_STORAGE_SCHEME", "http")

    filesystem, _ = filesystems.open_filesystem("abfs://photos@emulated.dfs.core.windows.net/fruit")

    assert filesystem == fs.AzureFileSystem(
        "emulated",
        account_key="a2V5",
        blob_storage_authority="127.0.0.1:10000",
        dfs_storage_authority="127.0.0.1:10000",
        blob_storage_scheme="http",
        dfs_storage_scheme="http",
    )
