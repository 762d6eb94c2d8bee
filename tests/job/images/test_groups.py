"""Tests of job/images/groups.py."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from job.errors import TooFewPhotosError, UsageError
from job.images import LISTING_SCHEMA, TEST, TRAIN, Subset, groups, listing
from tests.job.images.test_listing import make_files


def held_out(folder: str, share: float, subset: Subset | None = None, seed: int = 0) -> list[str]:
    """Return what is held out of a folder, as paths inside it."""
    photos = groups.hold_out(listing.list_photos(folder, TRAIN, subset or Subset()), share, seed, folder)
    assert set(photos["split"].to_pylist()) == {TRAIN, TEST}
    return [row["path"].removeprefix(f"{folder}/") for row in photos.to_pylist() if row["split"] == TEST]


def test_holdout_takes_same_share_and_leaves_a_training_photo(tmp_path: Path) -> None:
    counts = {"a": 10, "b": 5, "c": 2, "d": 1}
    folder = make_files(
        tmp_path, *(f"{label}/{number}.jpg" for label, count in counts.items() for number in range(count))
    )

    assert [inside[0] for inside in held_out(folder, 0.3)] == ["a"] * 3 + ["b"] * 2 + ["c"]
    assert [inside[0] for inside in held_out(folder, 0.9)] == ["a"] * 9 + ["b"] * 4 + ["c"]


def test_holdout_depends_on_seed_and_inner_path_alone(tmp_path: Path) -> None:
    names = [f"{label}/{number}.jpg" for label in "ab" for number in range(20)]
    folder, elsewhere = make_files(tmp_path / "one", *names), make_files(tmp_path / "two", *names[::-1])

    assert held_out(folder, 0.2) == held_out(elsewhere, 0.2)
    assert held_out(folder, 0.2) != held_out(folder, 0.2, seed=1)


def test_a_holdout_is_taken_from_the_photos_drawn(tmp_path: Path) -> None:
    folder = make_files(tmp_path, *(f"{label}/{number}.jpg" for label in "abc" for number in range(20)))
    subset = Subset(labels=("a", "b"), per_label=10)

    drawn = {row["path"] for row in listing.list_photos(folder, TRAIN, subset).to_pylist()}
    held = held_out(folder, 0.5, subset)

    assert len(held) == 10
    assert {f"{folder}/{inside}" for inside in held} < drawn


def test_a_holdout_of_nothing_is_refused(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg")

    with pytest.raises(TooFewPhotosError):
        held_out(folder, 0.1)


def test_refuses_holdout_of_labels_with_one_group() -> None:
    photos = grouped({"red 1": "red", "green 1": "green"}, 4)

    with pytest.raises(TooFewPhotosError) as raised:
        groups.hold_out(photos, 0.5, 0, "")

    assert raised.value.code == "ORC-111"


def grouped(labels: dict[str, str], photos: int) -> pa.Table:
    """Return a listing of so many training photos of each group, whose label is given."""
    rows = [
        {"path": f"/{group}/{number}.jpg", "label": label, "split": TRAIN, "size": 1, "problem": "", "version": ""}
        | {"group": group}
        for group, label in labels.items()
        for number in range(photos)
    ]
    return pa.Table.from_pylist(rows, schema=LISTING_SCHEMA)


def splits_by_group(photos: pa.Table) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in photos.to_pylist():
        found.setdefault(row["group"], set()).add(row["split"])
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_group_is_on_one_side_of_the_holdout(seed: int) -> None:
    labels = {f"{label} {number}": label for label in ("apple", "pear") for number in range(10)} | {"kiwi 0": "kiwi"}

    photos = groups.hold_out(grouped(labels, 7), 0.3, seed, "")

    sides = splits_by_group(photos)
    assert all(len(side) == 1 for side in sides.values())
    held = Counter(labels[group] for group, side in sides.items() if side == {TEST})
    assert held == {"apple": 3, "pear": 3}


def test_holdout_depends_on_seed_and_group_names() -> None:
    labels = {f"{number}": "apple" for number in range(20)}

    first, again, other = (
        splits_by_group(groups.hold_out(grouped(labels, photos), 0.5, seed, ""))
        for photos, seed in ((2, 0), (5, 0), (2, 1))
    )

    assert first == again
    assert first != other


def test_groups_of_several_labels_leave_each_a_training_group() -> None:
    rows = [(day, label) for day in "abcd" for label in ("ripe", "raw")] + [("a", "rotten")]
    table = pa.Table.from_pylist(
        [
            {"path": f"/{n}.jpg", "label": label, "split": TRAIN, "size": 1, "problem": "", "version": "", "group": day}
            for n, (day, label) in enumerate(rows)
        ],
        schema=LISTING_SCHEMA,
    )

    for seed in range(5):
        sides = splits_by_group(groups.hold_out(table, 0.5, seed, ""))
        assert sides["a"] == {TRAIN}
        assert sorted(side.pop() for side in sides.values()) == [TEST, TEST, TRAIN, TRAIN]


def test_folds_have_all_labels_in_equal_parts() -> None:
    sizes = groups.sizes([f"{n}" for n in range(100)], ["a", "b", "b", "b"] * 25)

    folds = groups.cut(sizes, 5, 0)

    assert Counter((fold, *sizes[name]) for name, fold in folds.items()) == {
        **{(fold, "a"): 5 for fold in range(5)},
        **{(fold, "b"): 15 for fold in range(5)},
    }


def test_folds_even_out_groups_of_different_sizes() -> None:
    names = [name for name, size in zip("abcdefg", (8, 4, 4, 2, 2, 2, 2), strict=True) for _ in range(size)]
    sizes = groups.sizes(names, ["x"] * len(names))

    folds = groups.cut(sizes, 3, 0)

    photos = Counter[int]()
    for name, fold in folds.items():
        photos[fold] += sizes[name].total()
    assert sorted(photos.values()) == [8, 8, 8]


def test_labels_with_one_group_are_found() -> None:
    sizes = groups.sizes(["1", "1", "2", "3"], ["a", "b", "a", "c"])

    assert groups.single(sizes) == ["b", "c"]


def test_group_is_first_group_of_pattern(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "Apple 5/1.jpg", "Apple 6/2.jpg")

    photos = groups.with_groups(listing.list_photos(folder, TRAIN), folder, groups.compiled("^([^/]+)/"))

    assert photos["group"].to_pylist() == ["Apple 5", "Apple 6"]


@pytest.mark.parametrize("pattern", ["(", "no group", "^(tree.)"])
def test_refuses_unusable_group_pattern(pattern: str, tmp_path: Path) -> None:
    folder = make_files(tmp_path, "tree1/1.jpg", "cover/2.jpg")

    with pytest.raises(UsageError) as raised:
        groups.with_groups(listing.list_photos(folder, TRAIN), folder, groups.compiled(pattern))

    assert raised.value.code == "ORC-101"
    assert "--group-pattern" in raised.value.message


def test_warns_of_single_groups_and_of_groups_on_both_sides() -> None:
    photos = grouped({"1": "apple", "2": "apple", "3": "kiwi"}, 2)
    splits = pa.array([TRAIN, TEST, TRAIN, TRAIN, TRAIN, TRAIN])

    lines = groups.warnings(photos.set_column(2, photos.schema.field("split"), splits))

    assert ["'kiwi'" in lines[0], "'1'" in lines[1], len(lines)] == [True, True, 2]
    assert groups.warnings(photos.drop_columns("group").append_column("group", pa.nulls(6, pa.string()))) == []


def test_folds_leave_out_labels_with_one_group() -> None:
    photos = grouped({"a 1": "a", "a 2": "a", "a 3": "a", "b 1": "b", "b 2": "b", "c 1": "c"}, 2)

    folds = groups.assign(photos, 2, 0, "")

    fold_of = dict(zip(photos["group"].to_pylist(), folds, strict=True))
    assert fold_of["c 1"] == -1
    assert {fold_of["b 1"], fold_of["b 2"]} == {0, 1}
    assert len(set(zip(photos["group"].to_pylist(), folds, strict=True))) == 6


def test_only_training_photos_are_in_folds(tmp_path: Path) -> None:
    folder = make_files(tmp_path, *(f"{label}/{number}.jpg" for label in "ab" for number in range(5)))
    photos = pa.concat_tables([listing.list_photos(folder, split) for split in (TRAIN, TEST)])

    folds = groups.assign(photos, 5, 0, folder)

    assert sorted(folds) == [-1] * 10 + [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_refuses_more_folds_than_groups() -> None:
    with pytest.raises(TooFewPhotosError) as raised:
        groups.assign(grouped({"a 1": "a", "a 2": "a", "b 1": "b"}, 5), 3, 0, "")

    assert raised.value.code == "ORC-111"
