"""Tests of infra/upload/photo_folder.py: what is found in a folder, and in which order."""

import os
from collections import Counter
from pathlib import Path

import pytest

from infra.errors import PhotoFolderError, UnreadableFolderError
from infra.upload import photo_folder
from infra.upload.photo_folder import Survey, survey, walk


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")


def test_walks_in_the_order_in_which_s3_lists_keys(tmp_path: Path) -> None:
    """Given names around the slash in the alphabet, when walked, then the order is that of the whole keys."""
    names = ["a b.jpg", "a.jpg", "a/2.jpg", "a/1.jpg", "a-b/1.jpg", "a0.jpg", "é.jpg", "🍎/1.jpg", "￦/1.jpg", "Z.jpg"]
    write(tmp_path, *names)

    walked = [file.inside for file in walk(tmp_path)]

    assert walked == sorted(names, key=str.encode)


def test_skips_names_that_start_with_a_dot(tmp_path: Path) -> None:
    write(tmp_path, "apple/1.jpg", "apple/._1.jpg", ".hidden/2.jpg", ".DS_Store", "apple/@eaDir/1.jpg/S.jpg")

    assert [file.inside for file in walk(tmp_path)] == ["apple/1.jpg"]


def test_follows_links_but_never_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", "1.jpg")
    write(tmp_path / "photos", "apple/2.jpg")
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "apple" / "3.jpg").symlink_to(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "photos" / "apple" / "back").symlink_to(tmp_path / "photos")

    walked = [(file.inside, file.size) for file in walk(tmp_path / "photos")]

    assert walked == [("apple/2.jpg", 7), ("apple/3.jpg", 7), ("linked/1.jpg", 7)]


def test_counts_photos_bytes_labels_and_other_files(tmp_path: Path) -> None:
    write(tmp_path, "apple/1.jpg", "apple/2.JPEG", "pear/3.png", "pear/notes.txt", "thumbs.db")

    assert survey(tmp_path) == Survey(
        files=3, size=21, requests=3, ignored=Counter({".txt": 1, ".db": 1}), labels={"apple", "pear"}
    )
    assert survey(tmp_path, every_file=True).files == 5


def test_refuses_what_holds_no_photo_and_names_it(tmp_path: Path) -> None:
    write(tmp_path, "file.jpg", "notes/notes.txt")
    (tmp_path / "empty" / "apple").mkdir(parents=True)

    for name in ("missing", "file.jpg", "empty", "notes"):
        with pytest.raises(PhotoFolderError) as raised:
            survey(tmp_path / name)
        assert f"'{tmp_path}/{name}'" in raised.value.message

    # Of the last one: what a photo is, and the option that takes other files
    assert "1 .txt" in raised.value.hint
    assert "HEIC" in raised.value.hint
    assert raised.value.hint.endswith(" --every-file")


def test_names_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "apple/1.jpg", "pear/2.jpg")

    def refuse(path: str) -> object:
        if path.endswith("pear"):
            raise PermissionError(13, "Permission denied")
        return os.scandir(path)

    class Os:
        scandir, stat = staticmethod(refuse), staticmethod(os.stat)

    monkeypatch.setattr(photo_folder, "os", Os)

    with pytest.raises(UnreadableFolderError) as raised:
        survey(tmp_path)

    assert f"'{tmp_path}/pear'" in raised.value.message
    assert "Permission denied" in raised.value.message
