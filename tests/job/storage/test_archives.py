"""Tests of job/storage/archives.py, on archives made by Python's own modules."""

import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from job import storage
from job.errors import PhotosNotFoundError
from job.storage import archives

FILES = {"Apple/1.jpg": b"one" * 1000, "Apple/2.jpg": os.urandom(5000), "Pêche/3.jpg": b"", "notes.txt": b"n"}


def write_zip(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", method) as packed:
        packed.writestr("Apple/", b"")
        for name, content in files.items():
            packed.writestr(name, content)
    return str(path)


def write_tar(path: Path, files: Mapping[str, bytes]) -> str:
    with tarfile.open(path, "w") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return str(path)


@pytest.fixture(params=["stored.zip", "deflated.zip", "plain.tar"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / request.param
    if path.suffix == ".tar":
        return write_tar(path, FILES)
    return write_zip(path, FILES, zipfile.ZIP_STORED if path.stem == "stored" else zipfile.ZIP_DEFLATED)


def test_archive_lists_its_files_with_their_sizes(archive: str) -> None:
    found = {file.inside: file.size for file in storage.list_files(archive)}

    assert found == {name: len(content) for name, content in FILES.items()}


def test_each_member_is_read_by_its_range(archive: str) -> None:
    for entry in archives.list_archive(archive).entries.values():
        assert archives.read_member(entry.member) == FILES[entry.inside]


def test_path_through_an_archive_is_read_like_a_file(archive: str) -> None:
    assert storage.read_bytes(f"{archive}/Apple/2.jpg") == FILES["Apple/2.jpg"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that fills with the lengths of the ranges that are read."""
    lengths: list[int] = []
    read_range = archives._read_range

    def noted(uri: str, start: int, length: int) -> bytes:
        lengths.append(length)
        return read_range(uri, start, length)

    monkeypatch.setattr(archives, "_read_range", noted)
    return lengths


def test_neighbours_are_read_in_one_range(archive: str, asked: list[int]) -> None:
    members = {f"{archive}/{entry.inside}": entry.member for entry in archives.list_archive(archive).entries.values()}
    read = storage.reader(members, storage.read_bytes)

    with ThreadPoolExecutor(4) as pool:
        contents = list(pool.map(read, members))

    assert contents == list(FILES.values())
    assert len(asked) == 1


def test_neighbours_named_by_path_are_read_in_one_range(archive: str, asked: list[int], tmp_path: Path) -> None:
    (tmp_path / "alone.jpg").write_bytes(b"alone")
    contents = {str(tmp_path / "alone.jpg"): b"alone"}
    contents |= {f"{archive}/{inside}": FILES[inside] for inside in sorted(FILES, reverse=True)}
    read = storage.reader_by_path(contents, storage.read_bytes)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, contents)) == list(contents.values())

    assert len(asked) == 1


def test_path_that_no_archive_has_is_an_error_of_reading(archive: str) -> None:
    read = storage.reader_by_path([f"{archive}/other.jpg"], storage.read_bytes)
    with pytest.raises(NotADirectoryError):
        read(f"{archive}/other.jpg")


def test_far_members_are_read_in_ranges_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST_GAP", 1000)
    monkeypatch.setattr(archives, "READ_AT_A_TIME", 5000)
    archive = write_tar(tmp_path / "a.tar", {str(number): bytes(2000) for number in range(6)})
    entries = archives.list_archive(archive).entries.values()

    stretches = archives._stretches({entry.inside: entry.member for entry in entries if entry.inside != "2"})

    together = [[name for name in stretches if stretches[name] is each] for each in dict.fromkeys(stretches.values())]
    assert together == [["0", "1"], ["3", "4"], ["5"]]


def test_last_of_members_with_one_name_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as packed:
        for content in (b"first", b"second"):
            info = tarfile.TarInfo("1.jpg")
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))

    assert storage.read_bytes(f"{path}/1.jpg") == b"second"


def test_member_that_cannot_be_read_has_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as packed:
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    packed_strangely = write_zip(tmp_path / "odd.zip", {"1.jpg": b"1"}, zipfile.ZIP_LZMA)

    assert storage.list_files(str(path))[0].problem
    assert "14" in storage.list_files(packed_strangely)[0].problem


def test_changed_archive_is_listed_again(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", {"1.jpg": b"1"})
    assert len(storage.list_files(archive)) == 1

    write_tar(tmp_path / "a.tar", {"1.jpg": bytes(20_000), "2.jpg": b"2"})

    assert len(storage.list_files(archive)) == 2


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_damaged_archive_is_refused(name: str, tmp_path: Path) -> None:
    content = Path(write_zip(tmp_path / "b.zip", FILES) if name == "a.zip" else write_tar(tmp_path / "b.tar", FILES))
    (tmp_path / name).write_bytes(content.read_bytes()[:2000])

    with pytest.raises(PhotosNotFoundError) as raised:
        storage.list_files(f"{tmp_path}/{name}")

    assert raised.value.code == "ORC-110"


def test_damaged_member_of_zip_is_an_error_of_reading(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"1.jpg": os.urandom(1000)}, zipfile.ZIP_STORED)
    content = bytearray(Path(archive).read_bytes())
    content[500] ^= 1
    Path(archive).write_bytes(content)

    with pytest.raises(OSError, match="damaged"):
        storage.read_bytes(f"{archive}/1.jpg")


def test_member_larger_than_stated_fills_no_memory() -> None:
    bomb = zlib.compressobj(wbits=-15)
    packed = bomb.compress(bytes(50_000_000)) + bomb.flush()
    header = b"PK\3\4" + bytes(4) + b"\x08\0" + bytes(16) + bytes(4)

    with pytest.raises(OSError, match="damaged"):
        archives.extract(header + packed, archives.Member("a.zip", 0, len(packed) + 30, 10, 0))


def test_hidden_members_and_system_folders_are_left_out(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "mac.zip", {"a/1.jpg": b"1", "__MACOSX/a/._1.jpg": b"x", "../up.jpg": b"u"})
    skipped = storage.Skipped()

    assert [file.inside for file in storage.list_files(archive, skipped)] == ["a/1.jpg"]
    assert skipped.system == ["__MACOSX"]


def test_folder_with_the_name_of_an_archive_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "old.zip").mkdir()
    (tmp_path / "old.zip" / "1.jpg").write_bytes(b"1")

    assert [file.inside for file in storage.list_files(f"{tmp_path}/old.zip")] == ["1.jpg"]
    assert storage.read_bytes(f"{tmp_path}/old.zip/1.jpg") == b"1"


@pytest.mark.parametrize(
    ("path", "inside"),
    [("a.tar/Apple/1.jpg", "Apple/1.jpg"), ("sets/B.ZIP/1.jpg", "sets/1.jpg"), ("Apple/1.jpg", "Apple/1.jpg")],
)
def test_path_inside_an_archive_does_not_name_it(path: str, inside: str) -> None:
    assert storage.without_archive(path) == inside


def test_archive_in_s3_is_read_by_ranges(bucket: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("Apple/1.jpg", b"one")
    storage.write_bytes(f"s3://{bucket}/set.zip", content.getvalue())

    assert [file.inside for file in storage.list_files(f"s3://{bucket}/set.zip")] == ["Apple/1.jpg"]
    assert storage.read_bytes(f"s3://{bucket}/set.zip/Apple/1.jpg") == b"one"
