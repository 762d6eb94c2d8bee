"""Tests of infra/upload/photo_folder.py: what is found in a folder, and in which order."""

import os
from pathlib import Path

import pytest

from infra.errors import (
    WrongUseError,
)
from infra.upload import photo_folder
from infra.upload.photo_folder import Survey, survey, walk
from job.errors import OrchardError


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")


def test_files_come_in_the_order_in_which_s3_lists_keys(tmp_path: Path) -> None:
    """Given names around the slash in the alphabet, when walked, then the order is that of the whole keys."""
    names = ["a b.jpg", "a.jpg", "a/2.jpg", "a/1.jpg", "a-b/1.jpg", "a0.jpg", "é.jpg", "🍎/1.jpg", "￦/1.jpg", "Z.jpg"]
    write(tmp_path, *names)

    walked = [file.inside for file in walk(tmp_path)]

    assert walked == sorted(names, key=str.encode)


def test_what_starts_with_a_dot_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "apple/1.jpg", "apple/._1.jpg", ".hidden/2.jpg", ".DS_Store")

    assert [file.inside for file in walk(tmp_path)] == ["apple/1.jpg"]


def test_links_are_followed_but_never_round_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", "1.jpg")
    write(tmp_path / "photos", "apple/2.jpg")
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "apple" / "3.jpg").symlink_to(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "photos" / "apple" / "back").symlink_to(tmp_path / "photos")

    walked = [(file.inside, file.size) for file in walk(tmp_path / "photos")]

    assert walked == [("apple/2.jpg", 7), ("apple/3.jpg", 7), ("linked/1.jpg", 7)]


def test_a_survey_counts_photos_bytes_labels_and_what_is_no_photo(tmp_path: Path) -> None:
    write(tmp_path, "apple/1.jpg", "apple/2.JPEG", "pear/3.png", "pear/notes.txt", "thumbs.db")

    assert survey(tmp_path) == Survey(files=3, size=21, passed_over=2, labels={"apple", "pear"})
    assert survey(tmp_path, every_file=True).files == 5


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError) as raised:
        survey(tmp_path / "nowhere")

    assert raised.value.message == f"There is no folder '{tmp_path}/nowhere'."
    assert raised.value.hint == "Check its name; see what is here: ls"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, "1.jpg")

    with pytest.raises(WrongUseError) as raised:
        survey(tmp_path / "1.jpg")

    assert raised.value.message == f"'{tmp_path}/1.jpg' is a file, not a folder."
    assert raised.value.hint == "Name the folder that holds the photos."


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "apple").mkdir()

    with pytest.raises(WrongUseError) as raised:
        survey(tmp_path)

    assert raised.value.message == f"The folder '{tmp_path}' is empty."
    assert raised.value.hint == "Put photos into it, one folder a label."


def test_a_folder_without_photos_is_said_with_what_photos_are(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt")

    with pytest.raises(WrongUseError) as raised:
        survey(tmp_path)

    assert raised.value.message == f"The folder '{tmp_path}' holds 1 file, but no photo."
    assert raised.value.hint == (
        "Photos end in .jpg, .jpeg, .png, .webp, .bmp; to send other files as well: --every-file"
    )


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "apple/1.jpg", "pear/2.jpg")

    def refuse(path: str) -> object:
        if path.endswith("pear"):
            raise PermissionError(13, "Permission denied")
        return os.scandir(path)

    class Os:
        scandir, stat = staticmethod(refuse), staticmethod(os.stat)

    monkeypatch.setattr(photo_folder, "os", Os)

    with pytest.raises(OrchardError) as raised:
        survey(tmp_path)

    assert raised.value.message == f"The folder '{tmp_path}/pear' cannot be read: Permission denied."
    assert raised.value.hint == "Change its permissions."
