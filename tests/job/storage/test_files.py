"""Tests of job/storage/files.py."""

import errno
from pathlib import Path
from unittest.mock import Mock

import boto3
import pytest

from job.errors import BackboneError, NotWrittenError, PhotosNotFoundError, TryAgainError
from job.storage import FileFound, filesystem
from job.storage import files as storage


def test_writes_whole_file_and_creates_its_folders(tmp_path: Path) -> None:
    storage.write_bytes(f"{tmp_path}/a/b/file", b"content")

    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
    assert [entry.name for entry in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_a_write_that_fails_leaves_nothing_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"a file where a folder is needed")

    with pytest.raises(NotWrittenError) as raised:
        storage.write_bytes(f"{tmp_path}/taken/file", b"content")

    assert f"'{tmp_path}/taken/file'" in raised.value.message
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


@pytest.mark.parametrize("folders", [1, 3, 40])
def test_lists_every_s3_object_once(folders: int, bucket: str) -> None:
    keys = {f"photos/{number % folders}/{'deeper/' * (number % 3)}{number}.jpg" for number in range(80)}
    keys |= {"photos/0.jpg", "photos/a b%20/é.jpg", "photos/0", "photographs/other.jpg"}
    client = boto3.client("s3")
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"1")

    found = storage.list_files(f"s3://{bucket}/photos")

    expected = [key.removeprefix("photos/") for key in keys if key.startswith("photos/")]
    assert sorted(file.inside for file in found) == sorted(expected)


def test_lists_overloaded_store_by_single_requests(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("s3")
    for number in range(3):
        client.put_object(Bucket=bucket, Key=f"photos/{number}/1.jpg", Body=b"1")

    def too_slow(*_: object) -> None:
        raise OSError("curlCode: 28, Timeout was reached")

    monkeypatch.setattr(storage, "_level", too_slow)

    found = storage.list_files(f"s3://{bucket}/photos")

    assert sorted(file.inside for file in found) == ["0/1.jpg", "1/1.jpg", "2/1.jpg"]


@pytest.mark.parametrize("odd", ["photos//x.jpg", "photos/a//x.jpg", "photos/a/b//x.jpg", "photos///x.jpg"])
def test_lists_key_with_empty_part_with_its_problem(odd: str, bucket: str) -> None:
    client = boto3.client("s3")
    for key in (odd, "photos/a/1.jpg", "photos/a/b/2.jpg", "photos/c/3.jpg", "photos/4.jpg"):
        client.put_object(Bucket=bucket, Key=key, Body=b"1")

    found = {file.inside: file.problem for file in storage.list_files(f"s3://{bucket}/photos")}

    problem = found.pop(odd.removeprefix("photos/"))
    assert "key" in problem
    assert found == dict.fromkeys(("a/1.jpg", "a/b/2.jpg", "c/3.jpg", "4.jpg"), "")


def test_unreachable_storage_is_a_try_again_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an address of this machine where nothing listens, asked once
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)

    with pytest.raises(TryAgainError) as raised:
        storage.exists_any("s3://bucket-that-nobody-holds/results", ["manifest.json"])

    assert "'s3://bucket-that-nobody-holds/results'" in raised.value.message


@pytest.mark.usefixtures("s3_endpoint")
def test_a_bucket_that_does_not_exist_is_told_in_one_sentence() -> None:
    with pytest.raises(NotWrittenError) as raised:
        storage.write_bytes("s3://no-such-bucket/file", b"content")

    assert "'s3://no-such-bucket/file'" in raised.value.message
    assert "NO_SUCH_BUCKET" in raised.value.message


def test_missing_folders_are_listed_innermost_first(tmp_path: Path) -> None:
    assert storage.missing_folders(f"{tmp_path}/new/results") == [f"{tmp_path}/new/results", f"{tmp_path}/new"]
    assert storage.missing_folders(str(tmp_path)) == []


def test_a_file_of_this_machine_is_its_own_copy(tmp_path: Path) -> None:
    assert storage.local_copy(f"{tmp_path}/model", tmp_path / "copies") == tmp_path / "model"


def test_a_file_elsewhere_is_copied_here(bucket: str, tmp_path: Path) -> None:
    storage.write_bytes(f"s3://{bucket}/models/m.tflite", b"model")

    assert storage.local_copy(f"s3://{bucket}/models/m.tflite", tmp_path).read_bytes() == b"model"


def test_a_file_elsewhere_that_is_not_there_is_refused(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(BackboneError) as raised:
        storage.local_copy(f"s3://{bucket}/none", tmp_path)

    assert f"'s3://{bucket}/none'" in raised.value.message


def test_lists_self_referencing_link_with_its_problem(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")

    (found,) = storage.list_files(str(tmp_path))

    assert (found.inside, found.size) == ("loop.jpg", 0)
    assert " link " in found.problem


def test_local_file_with_bad_name_is_its_own_problem(tmp_path: Path) -> None:
    (tmp_path / "fine.jpg").write_bytes(b"12345")
    uris = [f"{tmp_path}/{name}.jpg" for name in ("fine", "not there", "nul \0", "l" + "o" * 300 + "ng")]

    fine, missing, nul, too_long = storage.look_at(uris)

    assert (fine.size, fine.problem) == (5, "")
    assert missing.problem not in {"", nul.problem, too_long.problem}
    assert "NUL" in nul.problem
    assert "File name too long" in too_long.problem


def test_suggests_the_whole_path_of_a_similar_folder(tmp_path: Path) -> None:
    (tmp_path / "my photos").mkdir()

    with pytest.raises(PhotosNotFoundError) as raised:
        storage.list_files(str(tmp_path / "my photo"))

    assert f"'{tmp_path}/my photos'" in raised.value.hint


@pytest.mark.parametrize("parent", ["file", "/proc"])
def test_a_folder_that_cannot_be_created_needs_another(parent: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotWrittenError) as raised:
        storage.write_bytes(str(tmp_path / parent / "results" / "file"), b"")

    assert "--output" in raised.value.hint
    assert "--resume" not in raised.value.hint


def test_a_full_disk_needs_space_and_no_other_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        storage, "_write_and_rename", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
    )

    with pytest.raises(NotWrittenError) as raised:
        storage.write_bytes(str(tmp_path / "file"), b"")

    assert "--resume" in raised.value.hint
    assert "--output" not in raised.value.hint
