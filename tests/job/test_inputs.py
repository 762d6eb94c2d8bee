"""Tests of job/inputs.py."""

from pathlib import Path

import pytest

from job import arguments, inputs
from job.errors import OutputRefusedError, PhotosNotFoundError, SplitFoldersError, UsageError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")


def test_list_replaces_folder_of_training_photos(tmp_path: Path) -> None:
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
def test_refuses_listed_photo_that_must_not_be_fitted(
    line: str, argv: list[str], kind: type[UsageError], tmp_path: Path
) -> None:
    make(tmp_path, "test/Kiwi/1.jpg", "out/Kiwi/1.jpg")
    (tmp_path / "list.csv").write_text(line)
    argv = ["--image-list", "{0}/list.csv", "--output", "{0}/out", *argv]

    with pytest.raises(UsageError, match=f"{tmp_path}/{line}") as raised:
        inputs.list_all(arguments.parse([word.format(tmp_path) for word in argv]))

    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("names", "train", "test"),
    [
        (["Training/a/1.jpg", "Test/a/2.jpg", "papers/1.jpg"], "p/Training", "p/Test"),
        (["train/a/1.jpg", "val/a/2.jpg"], "p/train", "p/val"),
        (["f/fruits/Training/a/1.jpg", "f/fruits/Test/a/1.jpg"], "p/f/fruits/Training", "p/f/fruits/Test"),
        (["train/1.jpg", "test/2.jpg"], "p/train", "p/test"),
    ],
)
def test_refuses_folder_with_training_and_test_folders(names: list[str], train: str, test: str, tmp_path: Path) -> None:
    make(tmp_path / "p", *names)
    argv = ["--images", f"{tmp_path}/p/", "--holdout", "0.3", "--classifier", "tree", "--output", f"{tmp_path}/out"]

    with pytest.raises(SplitFoldersError) as raised:
        inputs.list_all(arguments.parse(argv))

    assert raised.value.code == "ORC-112"
    assert raised.value.hint.endswith(f"--images {tmp_path}/{train} --test {tmp_path}/{test}")


def test_quotes_folders_of_hint(tmp_path: Path) -> None:
    make(tmp_path / "my fruits", "Training/a/1.jpg", "Test/a/1.jpg")

    with pytest.raises(SplitFoldersError) as raised:
        inputs.list_all(arguments.parse(["--images", f"{tmp_path}/my fruits", "--output", f"{tmp_path}/out"]))

    assert f"--test '{tmp_path}/my fruits/Test'" in raised.value.hint


def test_label_pattern_allows_training_and_test_together(tmp_path: Path) -> None:
    make(tmp_path / "p", "Training/a/1.jpg", "Test/b/1.jpg")
    argv = ["--images", f"{tmp_path}/p", "--output", f"{tmp_path}/out", "--label-pattern", "/([^/]+)/"]

    assert inputs.list_all(arguments.parse(argv))["label"].to_pylist() == ["b", "a"]


def test_label_named_train_is_a_label(tmp_path: Path) -> None:
    make(tmp_path / "p", "train/1.jpg", "plane/2.jpg")

    listed = inputs.list_all(arguments.parse(["--images", f"{tmp_path}/p", "--output", f"{tmp_path}/out"]))

    assert listed["label"].to_pylist() == ["plane", "train"]


def warned(tmp_path: Path, *argv: str) -> list[str]:
    given = arguments.parse(["--images", f"{tmp_path}/p", "--output", f"{tmp_path}/out", *argv])
    return inputs.label_warnings(inputs.list_all(given), given)


@pytest.mark.parametrize(
    ("names", "argv", "labels"),
    [
        (["p/a/1.jpg", "p/a/2.jpg"], [], []),
        (["p/Apple/1.jpg", "p/Apple/2.jpg", "p/apple/1.jpg", "p/apple/2.jpg"], [], ["'Apple', 'apple'"]),
        (["p/a b/1.jpg", "p/a b/2.jpg", "p/ab/1.jpg", "p/ab/2.jpg"], [], ["'a b', 'ab'"]),
        (["p/a/1.jpg", "p/a/2.jpg", "p/b/1.jpg"], [], ["'b'"]),
        (["p/a/1.jpg", "p/a/2.jpg", "t/a/1.jpg", "t/z/1.jpg"], ["--test", "{0}/t"], ["'z'"]),
        (
            ["p/a/1.jpg", "p/a/2.jpg", "p/a/3.jpg", "p/a/4.jpg", "p/b/1.jpg"],
            ["--holdout", "0.5", "--classifier", "tree"],
            ["test photo has the label 'b'", "training photo has the label 'b'"],
        ),
        (["p/cat/s/1.jpg", "p/dog/s/2.jpg"], [], ["'s' from 'cat/s', 'dog/s'"]),
        (["p/cat/s/1.jpg", "p/dog/s/2.jpg"], ["--label-pattern", "([^/]+)/s/"], ["'cat', 'dog'"]),
        (["p/cover.jpg", "p/2.jpg", "p/a/1.jpg", "p/a/2.jpg"], [], ["'2.jpg'"]),
    ],
)
def test_warns_of_suspicious_labels(names: list[str], argv: list[str], labels: list[str], tmp_path: Path) -> None:
    make(tmp_path, *names)

    lines = warned(tmp_path, *(word.format(tmp_path) for word in argv))

    assert len(lines) == len(labels)
    for line, label in zip(lines, labels, strict=True):
        assert line.startswith("Warning: ")
        assert label in line


@pytest.mark.parametrize("pattern", ["(", "no group", "^(z*)"])
def test_refuses_unusable_label_pattern(pattern: str, tmp_path: Path) -> None:
    make(tmp_path, "p/a/1.jpg")

    with pytest.raises(UsageError) as raised:
        warned(tmp_path, "--label-pattern", pattern)

    assert raised.value.code == "ORC-101"
    assert f"'{pattern}'" in raised.value.message


def test_groups_of_training_and_test_photos_are_found(tmp_path: Path) -> None:
    make(tmp_path, "p/Apple 1/1.jpg", "p/Apple 2/1.jpg", "t/Apple 2/2.jpg", "n/new.jpg")
    argv = ["--images", f"{tmp_path}/p", "--test", f"{tmp_path}/t", "--predict", f"{tmp_path}/n"]

    listed = inputs.list_all(arguments.parse([*argv, "--output", f"{tmp_path}/out", "--group-pattern", "^([^/]+)/"]))

    assert listed["group"].to_pylist() == ["Apple 1", "Apple 2", "Apple 2", None]
    assert inputs.count_groups(listed) == {"train": 2, "test": 1}


def test_groups_of_a_list_are_found_in_its_uris(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("uri,size,etag\ns3://b/a/1.jpg,1,x\ns3://b/c/1.jpg,1,x")
    argv = ["--image-list", f"{tmp_path}/list.csv", "--output", "out", "--group-pattern", "^s3://b/([^/]+)/"]

    assert inputs.list_all(arguments.parse(argv))["group"].to_pylist() == ["a", "c"]
