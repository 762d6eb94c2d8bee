"""All photos of a run in one listing: those to fit on, to test and to predict."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.arguments import Arguments
from job.errors import OutputRefusedError, PhotosNotFoundError
from job.images import PREDICT, TEST, TRAIN, Subset, image_list, listing


def list_all(arguments: Arguments) -> pa.Table:
    """Return one listing of all photos: those to fit on, to test and to predict.

    Raises
    ------
    UsageError
        If there is no photo, if a wanted label is missing, if one folder lies in another or a photo is both to be
        fitted on and tested, or if a photo lies in the output.
    """
    subset = Subset(arguments.labels, arguments.per_label, arguments.seed)
    folders = [(arguments.images, TRAIN), (arguments.test, TEST), (arguments.predict, PREDICT)]
    given = [(storage.absolute_uri(folder), split) for folder, split in folders if folder is not None]
    listing.require_separate([folder for folder, _ in given])
    listings = [listing.list_photos(folder, split, subset) for folder, split in given]
    if arguments.image_list is not None:
        named = image_list.list_photos(storage.absolute_uri(arguments.image_list), TRAIN, subset)
        _require_elsewhere(named, listings, arguments)
        listings.insert(0, named)
    if arguments.holdout is not None:
        folder = "" if arguments.images is None else given[0][0]
        listings[0] = listing.hold_out(listings[0], arguments.holdout, arguments.seed, folder)
    return pa.concat_tables(listings).combine_chunks()


def _require_elsewhere(named: pa.Table, others: Sequence[pa.Table], arguments: Arguments) -> None:
    """Raise UsageError if a photo of a list is also one to test or to predict, or lies in the output."""
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
    return len(photos.filter(pc.equal(photos["split"], split)))


def describe_listing(photos: pa.Table) -> str:
    """Return one line on the photos of a listing."""
    found = Counter(photos["split"].to_pylist())
    names = {TRAIN: "to fit on", TEST: "to test", PREDICT: "to predict"}
    parts = [f"{found[split]:,} photos {name}" for split, name in names.items() if found[split]]
    labels = len(listing.count_by_label(photos, TRAIN))
    return f"Found {', '.join(parts)}; {labels:,} label{'s' if labels != 1 else ''}."
