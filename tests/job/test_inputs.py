"""Tests of job/inputs.py."""

from pathlib import Path

import pytest

from job import arguments, inputs
from job.errors import OutputRefusedError, PhotosNotFoundError, UsageError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")


def test_a_list_stands_in_place_of_the_folder_of_training_photos(tmp_path: Path) -> None:
    make(tmp_path, "a/Kiwi/1.jpg", "a/Kiwi/2.jpg", "b/Pear/1.jpg", "test/Kiwi/1.jpg")
    (tmp_path / "list.csv").write_text("a/Kiwi/1.jpg\nb/Pear/1.jpg\n")
    argv = ["--image-list", f"{tmp_path}/list.csv", "--test", f"{tmp_path}/test", "--output", f"{tmp_path}/out"]

    listed = inputs.list_all(arguments.parse(argv))

    assert [(row["path"].removeprefix(f"{tmp_path}/"), row["split"]) for row in listed.to_pylist()] == [
        ("a/Kiwi/1.jpg", "train"),
        ("b/Pear/1.jpg", "train"),
        ("test/Kiwi/1.jpg", "test"),
    ]


def test_part_of_a_list_is_held_out(tmp_path: Path) -> None:
    lines = [f"s3://b/{label}/{number}.jpg,1,x" for label in ("Kiwi", "Pear") for number in range(4)]
    (tmp_path / "list.csv").write_text("\n".join(["uri,size,etag", *lines]))
    argv = ["--image-list", f"{tmp_path}/list.csv", "--holdout", "0.25", "--classifier", "tree", "--output", "out"]

    listed = inputs.list_all(arguments.parse(argv))

    assert sorted(listed["split"].to_pylist()) == ["test"] * 2 + ["train"] * 6


@pytest.mark.parametrize(
    ("line", "argv", "kind"),
    [
        ("test/Kiwi/1.jpg", ["--test", "{0}/test"], PhotosNotFoundError),
        ("out/Kiwi/1.jpg", [], OutputRefusedError),
    ],
    ids=["to be tested", "in the output"],
)
def test_listed_photo_that_must_not_be_fitted_on_is_refused(
    line: str, argv: list[str], kind: type[UsageError], tmp_path: Path
) -> None:
    make(tmp_path, "test/Kiwi/1.jpg", "out/Kiwi/1.jpg")
    (tmp_path / "list.csv").write_text(line)
    argv = ["--image-list", "{0}/list.csv", "--output", "{0}/out", *argv]

    with pytest.raises(UsageError, match=f"{tmp_path}/{line}") as raised:
        inputs.list_all(arguments.parse([word.format(tmp_path) for word in argv]))

    assert type(raised.value) is kind
