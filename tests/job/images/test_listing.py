"""Tests of job/images/listing.py."""

import os
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from job.errors import PhotosNotFoundError
from job.images import EXACT, LISTING_SCHEMA, PREDICT, SCALED, TEST, TRAIN, LeftOut, Subset, labels, listing
from job.storage import FileFound
from tests.error_report import values


def make_files(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")
    return str(folder)


def made_listing(sizes: list[int]) -> pa.Table:
    rows = [
        {"path": f"/p/{number}.jpg", "label": "a", "split": TRAIN, "size": size, "problem": ""}
        for number, size in enumerate(sizes)
    ]
    return pa.Table.from_pylist(rows, schema=LISTING_SCHEMA)


def test_lists_photos_sorted_with_last_folder_as_label(tmp_path: Path) -> None:
    names = ["b/two/5.JPG", "a/1.jpg", "a/2.jpeg", "a/3.PNG", "a/deep/er/4.webp", "c/6.Bmp"]
    folder = make_files(tmp_path, *names, "a/notes.txt", "c/7.svg")

    photos = listing.list_photos(folder, TRAIN).to_pylist()

    assert [(photo["path"], photo["label"]) for photo in photos] == [
        (f"{folder}/a/1.jpg", "a"),
        (f"{folder}/a/2.jpeg", "a"),
        (f"{folder}/a/3.PNG", "a"),
        (f"{folder}/a/deep/er/4.webp", "er"),
        (f"{folder}/b/two/5.JPG", "two"),
        (f"{folder}/c/6.Bmp", "c"),
    ]
    assert {photo["size"] for photo in photos} == {5}
    assert {photo["split"] for photo in photos} == {TRAIN}


def test_photo_at_the_root_has_its_name_as_label(tmp_path: Path) -> None:
    folder = make_files(tmp_path / "Kiwi", "1.jpg")

    assert listing.list_photos(folder, TRAIN)["label"].to_pylist() == ["Kiwi"]


def test_photos_to_predict_have_no_label(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "x/1.jpg")

    photo = listing.list_photos(folder, PREDICT).to_pylist()[0]

    assert (photo["label"], photo["split"]) == (None, PREDICT)


def test_skips_hidden_files_and_folders(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "a/1.jpg", "a/._1.jpg", ".cache/2.jpg")

    assert listing.list_photos(folder, TRAIN)["path"].to_pylist() == [f"{folder}/a/1.jpg"]


def test_keeps_percent_signs_in_names(tmp_path: Path) -> None:
    names = ["a/100%.jpg", "a/a%20b.jpg", "a/quote'\".jpg", "a/two words.jpg", "a/🍎.jpg"]
    folder = make_files(tmp_path, *names)

    assert listing.list_photos(folder, TRAIN)["path"].to_pylist() == [f"{folder}/{name}" for name in names]


@pytest.mark.parametrize(
    ("files", "named"),
    [([], "none"), (["x/1.jpg"], "x/1.jpg"), ([".keep"], ""), (["a.txt", "b.svg"], "")],
    ids=["missing", "a file", "empty", "no photo"],
)
def test_refuses_folder_without_photos(tmp_path: Path, files: list[str], named: str) -> None:
    make_files(tmp_path, *files)
    folder = str(tmp_path / named)

    with pytest.raises(PhotosNotFoundError) as raised:
        listing.list_photos(folder, TRAIN)

    assert f"'{folder}'" in raised.value.message


def test_only_the_wanted_labels_are_taken(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "a/1.jpg", "b/1.jpg", "c/1.jpg")

    photos = listing.list_photos(folder, TRAIN, Subset(labels=("a", "c")))

    assert photos["label"].to_pylist() == ["a", "c"]


@pytest.mark.parametrize(("unknown", "shown"), [("Apple Rde", ["Apple Red"]), ("Zzz", ["Apple Red", "Kiwi"])])
def test_unknown_label_is_shown_similar_labels_or_all(tmp_path: Path, unknown: str, shown: list[str]) -> None:
    folder = make_files(tmp_path, "Apple Red/1.jpg", "Kiwi/1.jpg")

    with pytest.raises(PhotosNotFoundError) as raised:
        listing.list_photos(folder, TRAIN, Subset(labels=(unknown,)))

    assert f"'{unknown}'" in raised.value.message
    assert [label for label in ("Apple Red", "Kiwi") if label in raised.value.hint] == shown


def test_photos_to_predict_are_not_drawn_from(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "1.jpg", "2.jpg")

    assert listing.list_photos(folder, PREDICT, Subset(labels=("a",), per_label=1)).num_rows == 2


def test_draw_depends_on_seed_and_inner_path_alone() -> None:
    photos = [FileFound(f"{label}/{number}.jpg", 1) for label in "ab" for number in range(20)]

    labels = [photo.inside[0] for photo in photos]
    drawn = listing.draw(photos, labels, Subset(per_label=3, seed=7), "anywhere")
    drawn_from_another_order = listing.draw(photos[::-1], labels[::-1], Subset(per_label=3, seed=7), "elsewhere")
    drawn_with_another_seed = listing.draw(photos, labels, Subset(per_label=3, seed=8), "anywhere")

    assert [photo.inside[0] for photo in drawn] == ["a"] * 3 + ["b"] * 3
    assert set(drawn) == set(drawn_from_another_order)
    assert drawn != drawn_with_another_seed


def test_a_larger_draw_keeps_the_photos_of_a_smaller_one() -> None:
    photos = [FileFound(f"a/{number}.jpg", 1) for number in range(20)]

    few, many = (set(listing.draw(photos, ["a"] * 20, Subset(per_label=count), "f")) for count in (3, 9))

    assert few < many


@pytest.mark.parametrize(("first", "second"), [("photos", "photos"), ("photos", "photos/test"), ("link", "photos")])
def test_refuses_folders_that_share_photos(tmp_path: Path, first: str, second: str) -> None:
    (tmp_path / "photos" / "test").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    folders = [f"{tmp_path}/{first}", f"{tmp_path}/{second}"]

    with pytest.raises(PhotosNotFoundError) as raised:
        listing.require_separate(folders)

    assert all(f"'{folder}'" in raised.value.message for folder in folders)


def test_folders_with_common_prefix_are_separate() -> None:
    listing.require_separate(["/photos/train", "/photos/training", "s3://bucket/photos"])


def test_lists_name_that_is_not_utf8_with_problem(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.jpg")).write_bytes(b"1")

    photo = listing.list_photos(str(tmp_path), TRAIN).to_pylist()[0]

    assert (photo["path"], photo["problem"]) == (f"{tmp_path}/bad\\xff.jpg", "its name is not UTF-8")


def test_lists_broken_links_and_pipes_with_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nowhere")

    photos = listing.list_photos(str(tmp_path), TRAIN).to_pylist()

    assert [Path(photo["path"]).name for photo in photos] == ["broken.jpg", "pipe.jpg"]
    assert [" link " in photo["problem"] for photo in photos] == [True, False]
    assert photos[1]["problem"]


def test_walks_folder_linked_into_itself_once(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "b")

    assert listing.list_photos(folder, TRAIN)["path"].to_pylist() == [f"{folder}/a/1.jpg", f"{folder}/b/2.jpg"]


@pytest.mark.parametrize("photos", [1, 31, 32, 33, 2009, 20_000])
@pytest.mark.parametrize("slots", [1, 2, 64])
def test_partitions_hold_every_photo_once_in_order(photos: int, slots: int) -> None:
    table = made_listing([5000] * photos)

    partitions = listing.partition(table, slots)

    assert pa.concat_tables(partitions).equals(table)
    assert max(part.num_rows for part in partitions) <= listing.LARGEST_PARTITION


def test_partitions_get_smaller_towards_the_end() -> None:
    sizes = [part.num_rows for part in listing.partition(made_listing([5000] * 10_000), slots=2)]

    assert sizes[0] > 200
    assert sizes[-1] <= 32
    assert all(later <= earlier + 1 for earlier, later in pairwise(sizes))


@pytest.mark.parametrize(("photos", "slots"), [(10_000, 2), (100_000, 32), (40_000, 1), (2_000, 2), (5_000, 8)])
def test_photos_in_flight_are_a_twentieth_or_few(photos: int, slots: int) -> None:
    sizes = [part.num_rows for part in listing.partition(made_listing([5000] * photos), slots)]

    assert slots * max(sizes) <= max(0.05 * photos, 128 * slots)


def test_few_photos_make_few_partitions() -> None:
    sizes = [part.num_rows for part in listing.partition(made_listing([5000] * 2000), slots=2)]

    assert len(sizes) <= 30


def test_partitions_weigh_large_photos_by_their_bytes() -> None:
    small_then_large = [5000] * 1000 + [3_000_000] * 1000

    partitions = listing.partition(made_listing(small_then_large), slots=1)

    costs = [listing.photo_costs(part["size"].to_numpy()).sum() for part in partitions]
    assert partitions[0].num_rows > 400
    assert partitions[-1].num_rows < 5
    assert max(costs) <= listing.LARGEST_PARTITION + 21


def test_partitions_hold_more_large_photos_if_scaled() -> None:
    large = made_listing([3_000_000] * 400)

    exact, scaled = (listing.partition(large, slots=2, decoding=decoding) for decoding in (EXACT, SCALED))

    assert 3 * len(scaled) < 2 * len(exact)


def test_one_huge_photo_gets_a_partition_of_its_own() -> None:
    partitions = listing.partition(made_listing([10**9, 10]), slots=1)

    assert [part.num_rows for part in partitions] == [1, 1]


def test_the_cost_of_a_photo_grows_with_its_bytes() -> None:
    assert listing.photo_costs(np.array([0, 150_000, 300_000])).tolist() == [1.0, 2.0, 3.0]


def test_labels_are_counted_by_split(tmp_path: Path) -> None:
    folder = make_files(tmp_path, "b/1.jpg", "a/1.jpg", "a/2.jpg")
    photos = listing.list_photos(folder, TRAIN)

    assert listing.count_by_label(photos, TRAIN) == {"a": 2, "b": 1}
    assert listing.count_by_label(photos, TEST) == {}


def test_counts_and_names_what_is_left_out(tmp_path: Path) -> None:
    folder = make_files(
        tmp_path,
        *("a/1.jpg", "a/notes.txt", "a/2.CR2", "b/1.cr2", "b/readme", "a/@eaDir/1.jpg/SYNO.jpg", "$RECYCLE.BIN/9.jpg"),
        *(".hidden/3.jpg", "c/d/4.txt"),
    )
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    left_out = LeftOut()

    photos = listing.list_photos(folder, TRAIN, left_out=left_out)

    assert photos["path"].to_pylist() == [f"{folder}/a/1.jpg"]
    assert left_out.as_manifest() == {
        "files": {"(none)": 1, ".cr2": 2, ".txt": 2},
        "skipped": [f"{folder}/$RECYCLE.BIN", f"{folder}/a/@eaDir"],
        "unreadable": [],
        "empty": [f"{folder}/b", f"{folder}/c", f"{folder}/empty"],
    }
    assert values(left_out.lines()[0]) == ["5", "2", ".cr2", "2", ".txt", "1"]
    assert len(left_out.lines()) == 3


def test_says_nothing_if_nothing_is_left_out(tmp_path: Path) -> None:
    left_out = LeftOut()

    listing.list_photos(make_files(tmp_path, "a/1.jpg"), TRAIN, left_out=left_out)

    assert left_out.lines() == []


def test_skips_and_reports_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_files(tmp_path, "a/1.jpg", "b/2.jpg", ".Trashes/3.jpg", "lost+found/4.jpg")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if path.name in ("b", ".Trashes", "lost+found"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    left_out = LeftOut()

    photos = listing.list_photos(folder, TRAIN, left_out=left_out)

    assert photos["path"].to_pylist() == [f"{folder}/a/1.jpg"]
    assert (left_out.unreadable, left_out.skipped) == ([f"{folder}/b"], [f"{folder}/lost+found"])


@pytest.mark.parametrize("named", [unicodedata.normalize("NFC", "Pêche"), unicodedata.normalize("NFD", "Pêche")])
def test_labels_are_composed_unicode(tmp_path: Path, named: str) -> None:
    folder = make_files(tmp_path, f"{named}/1.jpg")

    photos = listing.list_photos(folder, TRAIN, Subset(labels=(unicodedata.normalize("NFD", "Pêche"),)))

    assert photos["label"].to_pylist() == ["P\u00eache"]
    assert photos["path"].to_pylist() == [f"{folder}/{named}/1.jpg"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("^([^/]+)/", ["cat", "dog"]), (r"/(\w+?)_\d+\.jpg$", ["siam", "pug"]), ("session([12])", ["1", "2"])],
)
def test_takes_label_from_pattern(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    folder = make_files(tmp_path, "cat/session1/siam_1.jpg", "dog/session2/pug_1.jpg")

    photos = listing.list_photos(folder, TRAIN, pattern=labels.compiled(pattern))

    assert photos["label"].to_pylist() == expected


def test_split_keeps_its_rows_in_order() -> None:
    photos = listing.with_column(made_listing([1, 2, 3]), "split", pa.array([TEST, TRAIN, TEST]))

    assert listing.of_split(photos, TEST)["size"].to_pylist() == [1, 3]
    assert len(listing.of_split(photos, PREDICT)) == 0


def test_replaced_column_keeps_its_place_and_type() -> None:
    photos = listing.with_column(made_listing([1, 2]), "label", pa.array(["b", None]))

    assert photos["label"].to_pylist() == ["b", None]
    assert photos.schema == LISTING_SCHEMA
