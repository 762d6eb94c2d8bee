"""Tests of job/storage/shards.py and of how shards are listed and read, on shards that the upload's code packed."""

import os
import zlib
from pathlib import Path

import pytest

from job import storage
from job.errors import ShardsError
from job.images import TRAIN, listing
from job.storage import archives, shards
from job.storage.shards import Index, Packed, index_bytes, read_index, require_whole
from tests.shards import write_shards

NAMES = ["Apple/1.jpg", "Apple/2.jpg", "Pêche 🍎/3.jpg", "x.tar/5.jpg", f"z/{'n' * 150}.jpg"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(os.urandom(3000))
    return tmp_path / "photos"


@pytest.fixture
def packed(folder: Path, tmp_path: Path) -> list[Path]:
    """Return three shards with two photos, two and one."""
    return write_shards(folder, tmp_path / "shards", 9000)


def test_index_is_read_from_the_end_of_a_shard(packed: list[Path]) -> None:
    asked: list[tuple[int, int]] = []
    content = packed[0].read_bytes()

    def read_at(length: int, start: int) -> bytes:
        asked.append((length, start))
        return content[start : start + length]

    index = read_index(read_at, len(content), "a.tar")

    assert [file.name for file in index.files] == NAMES[:2]
    assert index.following == NAMES[2]
    assert all(zlib.crc32(content[file.start :][: file.size]) == file.crc for file in index.files)
    assert asked == [(len(content), 0)]


def test_long_index_takes_a_second_read() -> None:
    files = tuple(Packed(f"label/{number:07d}.jpg", 512, 5, number) for number in range(20_000))
    before = bytes(100_000)
    content = before + index_bytes(Index(files, "next.jpg"), len(before))
    asked: list[int] = []

    def read_at(length: int, start: int) -> bytes:
        asked.append(length)
        return content[start : start + length]

    assert read_index(read_at, len(content), "a.tar") == Index(files, "next.jpg")
    assert len(asked) == 2


def test_index_length_does_not_depend_on_checksums() -> None:
    lengths = {len(index_bytes(Index((Packed("a", 512, 5, crc),), ""), 1024)) for crc in (0, 1, 2**32 - 1)}

    assert len(lengths) == 1


def test_shards_list_and_read_like_their_folder(folder: Path, packed: list[Path]) -> None:
    in_shards = listing.list_photos(str(packed[0].parent), TRAIN)

    root = str(packed[0].parent)
    assert [storage.path_inside(path, root) for path in in_shards["path"].to_pylist()] == NAMES
    assert in_shards["label"].to_pylist() == [name.split("/")[0] for name in NAMES]
    for path, name in zip(in_shards["path"].to_pylist(), NAMES, strict=True):
        assert storage.read_bytes(path) == (folder / name).read_bytes()


def test_headers_of_a_shard_are_not_scanned(packed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_tar_entries", None)

    assert len(listing.list_photos(str(packed[0].parent), TRAIN)) == len(NAMES)


def test_changed_photo_of_equal_size_has_another_version(folder: Path, tmp_path: Path) -> None:
    write_shards(folder, tmp_path / "before", 9000)
    (folder / NAMES[0]).write_bytes(os.urandom(3000))
    write_shards(folder, tmp_path / "after", 9000)

    before, after = (listing.list_photos(str(tmp_path / name), TRAIN)["version"] for name in ("before", "after"))

    assert [one == other for one, other in zip(before, after, strict=True)] == [False, *[True] * 4]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-600], "without"),
        (lambda content: content[512:], "another"),
        (lambda content: content.replace(b'"following"', b'"Following"'), "checksum"),
        (lambda content: content[:0], "without"),
    ],
    ids=["cut", "shifted", "changed", "empty"],
)
def test_damaged_index_is_refused(packed: list[Path], damage: object, said: str) -> None:
    assert callable(damage)
    packed[1].write_bytes(damage(packed[1].read_bytes()))

    with pytest.raises(ShardsError, match=said) as raised:
        listing.list_photos(str(packed[0].parent), TRAIN)

    assert raised.value.code == "ORC-113"
    assert f"'{packed[1]}'" in raised.value.message


def test_index_with_places_outside_the_shard_is_refused() -> None:
    before = bytes(1024)
    content = before + index_bytes(Index((Packed("a.jpg", 512, 10_000, 0),), ""), len(before))

    with pytest.raises(ShardsError, match=r"a\.tar"):
        read_index(lambda length, start: content[start : start + length], len(content), "a.tar")


def test_index_that_does_not_match_its_photos_is_noticed(packed: list[Path]) -> None:
    content = bytearray(packed[0].read_bytes())
    content[1000] ^= 1
    packed[0].write_bytes(content)

    assert storage.read_bytes(f"{packed[0]}/{NAMES[1]}")
    with pytest.raises(OSError, match="damaged"):
        storage.read_bytes(f"{packed[0]}/{NAMES[0]}")


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_missing_shard_is_noticed(packed: list[Path], missing: int) -> None:
    packed[missing].unlink()

    with pytest.raises(ShardsError) as raised:
        listing.list_photos(str(packed[0].parent), TRAIN)

    neighbour = packed[1 if missing == 0 else missing - 1].name
    assert f"{'before' if missing == 0 else 'after'} '{neighbour}'" in raised.value.message


def test_shard_left_over_from_an_upload_is_noticed(folder: Path, packed: list[Path]) -> None:
    (folder / NAMES[-1]).unlink()
    assert len(write_shards(folder, packed[0].parent, 9000)) == 2

    with pytest.raises(ShardsError, match="left over"):
        listing.list_photos(str(packed[0].parent), TRAIN)


def test_single_photo_next_to_shards_is_refused(packed: list[Path]) -> None:
    (packed[0].parent / "more").mkdir()
    (packed[0].parent / "more" / "1.jpg").write_bytes(b"1")

    with pytest.raises(ShardsError) as raised:
        listing.list_photos(str(packed[0].parent), TRAIN)

    assert f"'{packed[0].name}'" in raised.value.message


def test_one_shard_alone_can_be_named(packed: list[Path]) -> None:
    assert len(listing.list_photos(str(packed[1]), TRAIN)) == 2


def test_shards_of_each_folder_belong_together() -> None:
    one, two = (Index((Packed(name, 512, 1, 0),), "") for name in ("a", "b"))

    require_whole({"Test/orchard-000000.tar": one, "Training/orchard-000000.tar": two}, "set")
    with pytest.raises(ShardsError):
        require_whole({"orchard-000000.tar": one, "orchard-000001.tar": two}, "set")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/orchard-000012.tar", True),
        ("shard-000012.tar", False),
        ("orchard-1.tar", False),
        ("orchard-000000.tar/1.jpg", False),
    ],
)
def test_shard_is_known_by_its_name(name: str, expected: bool) -> None:
    assert shards.is_shard(name) is expected


def test_shards_in_s3_are_listed_by_their_index(bucket: str, packed: list[Path], folder: Path) -> None:
    for path in packed:
        storage.write_bytes(f"s3://{bucket}/set/{path.name}", path.read_bytes())

    found = listing.list_photos(f"s3://{bucket}/set", TRAIN)

    assert storage.path_inside(found["path"][0].as_py(), f"s3://{bucket}/set") == NAMES[0]
    assert storage.read_bytes(found["path"][0].as_py()) == (folder / NAMES[0]).read_bytes()
