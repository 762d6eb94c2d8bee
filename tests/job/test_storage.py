"""Tests of job/storage.py."""

from pathlib import Path

import boto3
import pytest
from pyarrow import fs

from job import storage
from job.errors import RunFailedError, UsageError
from job.storage import FileFound


@pytest.mark.parametrize(
    ("given", "absolute"),
    [
        ("/photos/", "/photos"),
        ("/elsewhere/../photos", "/photos"),
        ("file:///photos/100%/a b", "/photos/100%/a b"),
        ("s3://bucket/photos/", "s3://bucket/photos"),
        ("s3a://bucket/photos", "s3://bucket/photos"),
        ("S3://bucket", "s3://bucket"),
        ("abfs://photos@account.dfs.core.windows.net/fruit/", "abfs://photos@account.dfs.core.windows.net/fruit"),
    ],
)
def test_a_uri_means_the_same_in_every_process(given: str, absolute: str) -> None:
    assert storage.absolute_uri(given) == absolute


def test_a_uri_with_one_slash_is_not_taken_for_a_path() -> None:
    with pytest.raises(UsageError) as raised:
        storage.absolute_uri("s3:/bucket/photos")

    assert raised.value.remedy == "Write s3://bucket/photos"


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert storage.absolute_uri("photos") == f"{tmp_path}/photos"


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("ftp://host/photos", "'ftp://host/photos' is on a kind of storage that is not known here: 'ftp'."),
        ("s3:///photos", "'s3:///photos' names no bucket."),
        ("abfs://container/photos", "'abfs://container/photos' names no storage account."),
    ],
)
def test_a_uri_that_leads_nowhere_is_refused(uri: str, what: str) -> None:
    with pytest.raises(UsageError) as raised:
        storage.open_filesystem(uri)

    assert raised.value.what == what


def test_a_file_is_written_whole_into_folders_that_are_made_for_it(tmp_path: Path) -> None:
    storage.write_bytes(f"{tmp_path}/a/b/file", b"content")

    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
    assert [entry.name for entry in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_a_write_that_fails_leaves_nothing_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"a file where a folder is needed")

    with pytest.raises(RunFailedError) as raised:
        storage.write_bytes(f"{tmp_path}/taken/file", b"content")

    assert raised.value.what.startswith(f"'{tmp_path}/taken/file' could not be written: ")
    assert [entry.name for entry in (tmp_path).iterdir()] == ["taken"]


def test_only_names_with_files_below_them_are_said_to_exist(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "deep").mkdir(parents=True)
    (tmp_path / "full" / "deep" / "file").touch()
    (tmp_path / "file").touch()

    assert storage.exists_any(str(tmp_path), ["empty", "full", "file", "none"]) == ["full", "file"]


def test_deleting_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    storage.delete(f"{tmp_path}/file")
    storage.delete(f"{tmp_path}/file")

    assert [entry.name for entry in (tmp_path).iterdir()] == []


def test_s3_is_read_written_and_listed_like_a_disk(bucket: str) -> None:
    storage.write_bytes(f"s3://{bucket}/folder/a b%20.txt", b"content")

    assert storage.read_bytes(f"s3://{bucket}/folder/a b%20.txt") == b"content"
    modified = int(boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"].timestamp() * 1e9)
    assert storage.list_files(f"s3://{bucket}/folder") == [FileFound("a b%20.txt", 7, "", modified)]
    assert storage.exists_any(f"s3://{bucket}", ["folder", "none"]) == ["folder"]
    keys = [entry["Key"] for entry in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["folder/a b%20.txt"]


def test_a_bucket_that_does_not_exist_is_told_in_one_sentence(s3_endpoint: str) -> None:
    assert s3_endpoint
    with pytest.raises(RunFailedError) as raised:
        storage.write_bytes("s3://no-such-bucket/file", b"content")

    assert raised.value.what.startswith("'s3://no-such-bucket/file' could not be written: ")
    assert "NO_SUCH_BUCKET" in raised.value.what


def test_a_file_of_this_machine_is_its_own_copy(tmp_path: Path) -> None:
    assert storage.local_copy(f"{tmp_path}/model", tmp_path / "copies") == tmp_path / "model"


def test_a_file_elsewhere_is_copied_here(bucket: str, tmp_path: Path) -> None:
    storage.write_bytes(f"s3://{bucket}/models/m.tflite", b"model")

    assert storage.local_copy(f"s3://{bucket}/models/m.tflite", tmp_path).read_bytes() == b"model"


def test_a_file_elsewhere_that_is_not_there_is_refused(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        storage.local_copy(f"s3://{bucket}/none", tmp_path)

    assert raised.value.what.startswith(f"'s3://{bucket}/none' cannot be read: ")


def test_azure_paths_lead_to_the_container_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")

    filesystem, path = storage.open_filesystem("abfs://photos@account.dfs.core.windows.net/fruit/apple")

    assert isinstance(filesystem, fs.AzureFileSystem)
    assert path == "photos/fruit/apple"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI@bucket/images",
        "https://me:secret@example.org/images",
        "abfs://container:secret@account.dfs.core.windows.net/images",
        "https://bucket.s3.amazonaws.com/images?X-Amz-Algorithm=AWS4&X-Amz-Signature=secret",
        "https://account.blob.core.windows.net/images?sp=r&sig=secret",
        "gs://bucket/images?GoogleAccessId=me&Signature=secret",
    ],
)
def test_a_uri_that_carries_a_secret_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(UsageError) as raised:
        storage.absolute_uri(uri)

    scheme = uri.split(":", maxsplit=1)[0]
    assert raised.value.what == (
        f"The URI that begins with '{scheme}://' carries a secret: a password, a key or a signature."
    )
    assert "secret" not in raised.value.remedy


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/a:b@c/image",
        "abfss://container@account.dfs.core.windows.net/x",
        "s3://bucket/what?a=b",
        "/a:b@c?sig=1",
    ],
)
def test_a_uri_that_only_looks_odd_is_not(uri: str) -> None:
    assert storage.absolute_uri(uri) == uri


def test_a_link_that_leads_back_to_itself_is_listed_as_one_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")

    assert storage.list_files(str(tmp_path)) == [storage.FileFound("loop.jpg", 0, "a link that leads nowhere")]
