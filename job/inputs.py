"""All photos of a run in one listing: those to fit on, to test and to predict."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.arguments import Arguments
from job.classifiers import DISCRIMINANT
from job.errors import OutputRefusedError, PhotosNotFoundError, TooFewPhotosError
from job.images import PREDICT, TEST, TRAIN, LeftOut, Subset, groups, image_list, labels, listing, of_split
from job.options import AUTO

HELD_OUT_FOLDS = 5
"""``--classifier auto`` holds out one of so many folds of the training photos."""


def list_all(arguments: Arguments, left_out: LeftOut | None = None) -> pa.Table:
    """Return one listing of all photos: to fit, to test and to predict.

    Parameters
    ----------
    left_out
        Fills with the files and folders that are not used.

    Raises
    ------
    UsageError
        If there is no photo, a wanted label is missing, one folder is inside another, a photo is both fitted and
        tested, training and test folders are mixed, a pattern does not match, or a photo is in the output.
    """
    subset = Subset(arguments.labels, arguments.per_label, arguments.seed)
    left_out, pattern = left_out or LeftOut(), labels.compiled(arguments.label_pattern)
    folders = [(arguments.images, TRAIN), (arguments.test, TEST), (arguments.predict, PREDICT)]
    given = [(storage.absolute_uri(folder), split) for folder, split in folders if folder is not None]
    listing.require_separate([folder for folder, _ in given])
    listings = [listing.list_photos(folder, split, subset, left_out, pattern) for folder, split in given]
    if arguments.images is not None and pattern is None:
        labels.require_no_splits(listing.paths_inside(listings[0], given[0][0]), arguments.images.rstrip("/"))
    if arguments.image_list is not None:
        named = image_list.list_photos(storage.absolute_uri(arguments.image_list), TRAIN, subset, left_out, pattern)
        _require_elsewhere(named, listings, arguments)
        listings.insert(0, named)
        given.insert(0, ("", TRAIN))
    grouping = groups.compiled(arguments.group_pattern)
    for number, (folder, split) in enumerate(given):
        if split != PREDICT:
            listings[number] = groups.with_groups(listings[number], folder, grouping)
    if arguments.holdout is not None:
        listings[0] = groups.hold_out(listings[0], arguments.holdout, arguments.seed, given[0][0])
    return pa.concat_tables(listings).combine_chunks()


def _require_elsewhere(named: pa.Table, others: Sequence[pa.Table], arguments: Arguments) -> None:
    """Raise UsageError if a photo of a list is also in the test or predict folder, or in the output."""
    output = storage.absolute_uri(arguments.output)
    inside = named["path"].filter(pc.starts_with(named["path"], f"{output}/"))
    if len(inside):
        raise OutputRefusedError(
            f"The output must not contain the photos, got '{output}' with '{inside[0]}' of the list.",
            "Choose an --output next to the photos.",
        )
    for other in others:
        twice = named["path"].filter(pc.is_in(named["path"], value_set=other["path"].combine_chunks()))
        if len(twice):
            raise PhotosNotFoundError(
                f"A photo must be either fitted or not, got '{twice[0]}' in the list and in --{other['split'][0]}.",
                "Remove it from one of the two.",
            )


def count(photos: pa.Table, split: str) -> int:
    """Return how many photos of a listing are in a split."""
    return len(of_split(photos, split))


def count_groups(photos: pa.Table) -> dict[str, int] | None:
    """Return the manifest's entry "groups": their number in training and test photos; None without groups."""
    if photos["group"].null_count == len(photos):
        return None
    return {split: len(of_split(photos, split)["group"].unique()) for split in (TRAIN, TEST)}


def fold_numbers(photos: pa.Table, arguments: Arguments) -> list[int] | None:
    """Return the fold of each photo with ``--folds``, -1 for photos that are not tested; else None."""
    if arguments.folds is None:
        return None
    return groups.assign(photos, arguments.folds, arguments.seed, training_folder(arguments))


def held_out_numbers(photos: pa.Table, arguments: Arguments) -> list[int] | None:
    """Return a number for each photo, 0 for training photos that are held out to choose something on; else None.

    They are held out for ``--classifier auto``, and for ``--wanted-precision`` without ``--folds``.

    Raises
    ------
    TooFewPhotosError
        If no photo can be held out such that a photo of its label is left.
    """
    for_precision = arguments.wanted_precision is not None and arguments.folds is None
    if arguments.classifier != AUTO and not for_precision:
        return None
    folder = training_folder(arguments)
    possible = len(groups.divisible(photos, folder))
    if possible < 2:
        what = "groups" if arguments.group_pattern else "photos"
        instead = f"choose the kind: --classifier {DISCRIMINANT}"
        option = f"--classifier {AUTO}" if arguments.classifier == AUTO else "--wanted-precision"
        raise TooFewPhotosError(
            f"{option} requires a label with at least 2 {what}, got at most 1 for each label.",
            f"Add {what}, or {instead if arguments.classifier == AUTO else f'leave out {option}'}",
        )
    return groups.assign(photos, min(HELD_OUT_FOLDS, possible), arguments.seed, folder)


def describe_listing(photos: pa.Table) -> str:
    """Return one line on the photos of a listing."""
    found = Counter(photos["split"].to_pylist())
    names = {TRAIN: "to fit on", TEST: "to test", PREDICT: "to predict"}
    parts = [
        f"{found[split]:,} photo{'s' if found[split] != 1 else ''} {name}"
        for split, name in names.items()
        if found[split]
    ]
    found_labels = len(listing.count_by_label(photos, TRAIN))
    found_groups = len(photos["group"].drop_null().unique())
    grouped = f" in {found_groups:,} group{'s' if found_groups != 1 else ''}" if found_groups else ""
    return f"Found {', '.join(parts)}; {found_labels:,} label{'s' if found_labels != 1 else ''}{grouped}."


def label_warnings(photos: pa.Table, arguments: Arguments) -> list[str]:
    """Return what is probably wrong with the labels and groups of a listing, a line each."""
    folder = training_folder(arguments)
    training: dict[str, list[str]] = {}
    train = of_split(photos, TRAIN)
    for path, label in zip(listing.paths_inside(train, folder), train["label"].to_pylist(), strict=True):
        training.setdefault(label, []).append(path)
    of_labels = labels.warnings(
        training,
        listing.count_by_label(photos, TEST),
        has_test=arguments.test is not None or arguments.holdout is not None,
        by_folder=arguments.images is not None and arguments.label_pattern is None,
    )
    return of_labels + groups.warnings(photos)


def training_folder(arguments: Arguments) -> str:
    """Return the folder that the training photos' paths are inside of; empty for a list of photos."""
    return "" if arguments.images is None else storage.absolute_uri(arguments.images)
