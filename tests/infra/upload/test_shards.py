"""Tests of infra/upload/shards.py: what goes into which shard, and what the second upload sends."""

import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import boto3
import pytest

from infra.aws.client import Aws
from infra.upload.image_set import Result, upload
from infra.upload.photo_folder import LocalFile, ToSend, walk
from infra.upload.shards import Shard, plan, usable
from infra.upload.uploader import Uploader
from job import storage
from job.images import TRAIN, listing
from tests.shards import files_of, write_shards


def write(folder: Path, *names: str, size: int = 3000) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.urandom(size))
    return folder


def send(bucket: str, files: Iterable[ToSend]) -> Result:
    aws = Aws("eu-west-1")
    return upload(Uploader(aws, bucket, "images/set/", lambda _: None), files, lambda _: None, 2)


def content(shard: Shard) -> bytes:
    with shard.open() as stream:
        return stream.read()


def test_shards_are_filled_in_order_up_to_their_size(tmp_path: Path) -> None:
    write(tmp_path, *(f"{label}/{number}.jpg" for label in "ab" for number in range(3)))

    planned = plan(walk(tmp_path), 8000)

    assert [(shard.inside, shard.names, shard.following) for shard in planned] == [
        ("orchard-000000.tar", ["a/0.jpg", "a/1.jpg"], "a/2.jpg"),
        ("orchard-000001.tar", ["a/2.jpg", "b/0.jpg"], "b/1.jpg"),
        ("orchard-000002.tar", ["b/1.jpg", "b/2.jpg"], ""),
    ]


def test_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path, "a/1.jpg", "é/2.jpg")
    before = [content(shard) for shard in plan(walk(tmp_path))]
    os.utime(tmp_path / "a" / "1.jpg", (1, 1))
    (tmp_path / "a" / "1.jpg").chmod(0o600)

    assert [content(shard) for shard in plan(walk(tmp_path))] == before


def test_size_is_known_before_photos_are_read(tmp_path: Path) -> None:
    for folder in (f"é {'n' * 90}", "n" * 120, "n" * 94, "n" * 95):
        write(tmp_path, *(f"{folder}/{number}.jpg" for number in range(9)), size=777)

    for shard in plan(walk(tmp_path), 4000):
        assert len(content(shard)) == shard.size


def test_photo_larger_than_a_shard_has_its_own(tmp_path: Path) -> None:
    write(tmp_path, "a/1.jpg", "a/3.jpg", size=1000)
    write(tmp_path, "a/2.jpg", size=50_000)

    assert [shard.names for shard in plan(walk(tmp_path), 5000)] == [["a/1.jpg"], ["a/2.jpg"], ["a/3.jpg"]]


def test_any_tar_program_unpacks_the_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "photos", "a/1.jpg", f"{'l' * 120}/2.jpg", "pêche 🍎/a b%.jpg")

    (shard,) = write_shards(folder, tmp_path / "shards", 10**6)
    with tarfile.open(shard) as packed:
        packed.extractall(tmp_path / "out", filter="data")

    unpacked = {file.inside: (tmp_path / "out" / file.inside).read_bytes() for file in files_of(tmp_path / "out")}
    assert unpacked == {file.inside: Path(file.path).read_bytes() for file in files_of(folder)}


def test_training_and_test_folders_have_their_own_shards(tmp_path: Path) -> None:
    folder = write(tmp_path / "photos", "Test/a/1.jpg", "Training/a/2.jpg", "Training/b/3.jpg")

    written = write_shards(folder, tmp_path / "shards", 10**6)

    names = [str(path.relative_to(tmp_path / "shards")) for path in written]
    assert names == ["Test/orchard-000000.tar", "Training/orchard-000000.tar"]
    for part in ("", "/Test", "/Training"):
        single, packed = (f"{tmp_path}/{kind}{part}" for kind in ("photos", "shards"))
        assert listing.paths_inside(listing.list_photos(packed, TRAIN), packed) == listing.paths_inside(
            listing.list_photos(single, TRAIN), single
        )


def test_unusable_files_are_left_out_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path, "a/1.jpg")
    (tmp_path / "a" / "2.jpg").symlink_to(tmp_path / "nothing")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xe9.jpg")).write_bytes(b"content")
    refused: list[str] = []

    kept = list(usable(walk(tmp_path), lambda _, reason: refused.append(reason)))

    assert [file.inside for file in kept] == ["a/1.jpg"]
    assert ["No such file" in refused[0], "UTF-8" in refused[1], len(refused)] == [True, True, 2]


def test_photo_that_changes_meanwhile_fails_its_shard(bucket: str, tmp_path: Path) -> None:
    write(tmp_path, "a/1.jpg", "b/2.jpg")
    planned = plan(walk(tmp_path), 4000)
    (tmp_path / "b" / "2.jpg").write_bytes(b"shorter")

    result = send(bucket, planned)

    assert result.sent == 1
    assert "'b/2.jpg' was changed" in result.failures[0]


def test_second_upload_sends_no_shard(bucket: str, tmp_path: Path) -> None:
    write(tmp_path, *(f"a/{number}.jpg" for number in range(20)), size=600_000)

    first, second = send(bucket, plan(walk(tmp_path), 9_000_000)), send(bucket, plan(walk(tmp_path), 9_000_000))

    assert (first.sent, first.already) == (2, 0)
    assert (second.sent, second.already, second.extra) == (0, 2, 0)
    objects = boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [found["Size"] for found in objects] == [shard.size for shard in plan(walk(tmp_path), 9_000_000)]
    assert len(listing.list_photos(f"s3://{bucket}/images/set", TRAIN)) == 20


def test_only_the_shard_of_a_changed_photo_is_sent(bucket: str, tmp_path: Path) -> None:
    write(tmp_path, *(f"a/{number}.jpg" for number in range(9)))
    send(bucket, plan(walk(tmp_path), 12_000))
    write(tmp_path, "a/4.jpg")

    result = send(bucket, plan(walk(tmp_path), 12_000))

    assert (result.sent, result.already) == (1, 2)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_of_an_archive_are_sent_singly(bucket: str, tmp_path: Path, kind: str) -> None:
    files = {"pêche/1.jpg": os.urandom(100), "Apple/2.jpg": os.urandom(2_000_000), "__MACOSX/._1.jpg": b"x"}
    archive = tmp_path / f"photos.{kind}"
    for name, one in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(one)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) if kind == "zip" else tarfile.open(archive, "w") as packed:
        for name in files:
            (packed.write if isinstance(packed, zipfile.ZipFile) else packed.add)(tmp_path / "in" / name, name)

    first, second = send(bucket, walk(archive)), send(bucket, walk(archive))

    assert (first.sent, second.sent, second.already) == (2, 0, 2)
    for name in ("pêche/1.jpg", "Apple/2.jpg"):
        assert storage.read_bytes(f"s3://{bucket}/images/set/{name}") == files[name]


def test_encrypted_member_is_listed_with_its_reason(bucket: str) -> None:
    result = send(bucket, [LocalFile("1.jpg", "a.zip/1.jpg", 5, problem="encrypted in its archive")])

    assert "encrypted in its archive" in result.failures[0]


def test_archive_is_packed_into_shards_like_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "photos", "a/1.jpg", "b/2.jpg")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files_of(folder):
            packed.write(file.path, file.inside)

    assert [content(shard) for shard in plan(walk(tmp_path / "photos.zip"))] == [
        content(shard) for shard in plan(walk(folder))
    ]
