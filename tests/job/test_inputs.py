"""Tests of job/inputs.py."""

from pathlib import Path

import pytest

from job import arguments, inputs
from job.errors import UsageError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")


def test_a_list_stands_in_place_of_the_folder_of_training_photos(tmp_path: Path) -> None:
    make(tmp_path, "a/Kiwi/1.jpg", "a/Kiwi/2.jpg", "b/Pear/1.jpg", "test/Kiwi/1.jpg")
    (tmp_path / "list.csv").write_text("a/Kiwi/1.jpg\nb/Pear/1.jpg\n")
    words = ["--image-list", f"{tmp_path}/list.csv", "--test", f"{tmp_path}/test", "--output", f"{tmp_path}/out"]

    listed = inputs.list_all(arguments.parse(words))

    assert [(row["path"].removeprefix(f"{tmp_path}/"), row["split"]) for row in listed.to_pylist()] == [
        ("a/Kiwi/1.jpg", "train"),
        ("b/Pear/1.jpg", "train"),
        ("test/Kiwi/1.jpg", "test"),
    ]


def test_part_of_a_list_is_held_out(tmp_path: Path) -> None:
    lines = [f"s3://b/{label}/{number}.jpg,1,x" for label in ("Kiwi", "Pear") for number in range(4)]
    (tmp_path / "list.csv").write_text("\n".join(["uri,size,etag", *lines]))
    words = ["--image-list", f"{tmp_path}/list.csv", "--holdout", "0.25", "--classifier", "tree", "--output", "out"]

    listed = inputs.list_all(arguments.parse(words))

    assert sorted(listed["split"].to_pylist()) == ["test"] * 2 + ["train"] * 6


@pytest.mark.parametrize(
    ("line", "words", "message"),
    [
        (
            "test/Kiwi/1.jpg",
            ["--test", "{0}/test"],
            "The photo '{0}/test/Kiwi/1.jpg' is in the list, and in the folder of those to test as well.",
        ),
        ("out/Kiwi/1.jpg", [], "The photo '{0}/out/Kiwi/1.jpg' of the list lies in the output '{0}/out'."),
    ],
    ids=["to be tested", "in the output"],
)
def test_a_listed_photo_that_must_not_be_fitted_on_is_refused(
    line: str, words: list[str], message: str, tmp_path: Path
) -> None:
    make(tmp_path, "test/Kiwi/1.jpg", "out/Kiwi/1.jpg")
    (tmp_path / "list.csv").write_text(line)
    given = ["--image-list", "{0}/list.csv", "--output", "{0}/out", *words]

    with pytest.raises(UsageError) as raised:
        inputs.list_all(arguments.parse([word.format(tmp_path) for word in given]))

    assert raised.value.message == message.format(tmp_path)
