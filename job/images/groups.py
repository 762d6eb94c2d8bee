"""Keep the photos of one object together: find the groups of a listing, draw the holdout, and cut folds.

A group is never divided between training and test. Without ``--group-pattern`` every photo is a group.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa

from job.errors import TooFewPhotosError
from job.images import patterns
from job.images.labels import named
from job.images.listing import TEST, TRAIN, of_split, paths_inside, rank, with_column

OPTION = "--group-pattern"

Sizes = Mapping[str, Counter[str]]
"""The number of photos by label of each group."""


def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """Return ``--group-pattern`` compiled; raise UsageError unless it is a regular expression with a group."""
    return patterns.compiled(OPTION, pattern)


def of_paths(paths: Sequence[str], pattern: re.Pattern[str]) -> list[str]:
    """Return the group of each path; raise UsageError if the pattern does not match one."""
    return patterns.captured(OPTION, pattern, paths)


def with_groups(photos: pa.Table, folder: str, pattern: re.Pattern[str] | None) -> pa.Table:
    """Return a listing with the group of each photo; raise UsageError if the pattern does not match one.

    ``folder``: the pattern is searched in the paths inside it; empty for a list, whose URIs it is searched in.
    """
    if pattern is None:
        return photos
    insides = paths_inside(photos, folder) if folder else photos["path"].to_pylist()
    return with_column(photos, "group", pa.array(of_paths(insides, pattern), pa.string()))


def keys(photos: pa.Table, folder: str) -> list[str]:
    """Return what keeps photos together: the group of each, or its path inside the folder without groups."""
    groups = photos["group"].to_pylist()
    return [group or inside for group, inside in zip(groups, paths_inside(photos, folder), strict=True)]


def sizes(keys: Sequence[str], labels: Sequence[str]) -> Sizes:
    """Return how many photos of each label every group has."""
    found: dict[str, Counter[str]] = {}
    for key, label in zip(keys, labels, strict=True):
        found.setdefault(key, Counter())[label] += 1
    return found


def hold_out(photos: pa.Table, share: float, seed: int, folder: str) -> pa.Table:
    """Return a listing of training photos with a share of each label's as test photos.

    Groups are taken in the order of a hash of the seed and their name, or of their path inside the folder, as
    ``listing.draw`` does: each one that brings its labels closer to their share (halves up), and leaves every label a
    group to train on.

    Parameters
    ----------
    share
        Above 0 and below 1.
    """
    names, labels = keys(photos, folder), photos["label"].to_pylist()
    counted = sizes(names, labels)
    wanted = {label: share * count for label, count in Counter(labels).items()}
    left = Counter(label for group in counted.values() for label in group)
    taken: Counter[str] = Counter()
    held = set()
    for name in sorted(counted, key=lambda name: rank(seed, name)):
        group = counted[name]
        farther = sum(abs(taken[one] + n - wanted[one]) - abs(taken[one] - wanted[one]) for one, n in group.items())
        if farther <= 0 and all(left[label] > 1 for label in group):
            held.add(name)
            taken.update(group)
            left.subtract(group.keys())
    if not held:
        what = "photos" if photos["group"].null_count else "groups"
        raise TooFewPhotosError(
            f"--holdout must leave at least one test photo, got {share:g} of {len(wanted):,} labels with at most "
            f"{max(left.values()):,} {what}.",
            "Choose a larger share, like --holdout 0.5, or name test photos with --test.",
        )
    return with_column(photos, "split", pa.array([TEST if name in held else TRAIN for name in names], pa.string()))


def cut(counted: Sizes, folds: int, seed: int) -> dict[str, int]:
    """Return the fold of each group, such that every label is spread over the folds as evenly as its groups allow.

    The largest group goes first, those of one size in the order of their hash. Each goes to the fold with the smallest
    share of its labels, of equal ones to the fold with the fewest photos.
    """
    in_all: Counter[str] = sum((group for group in counted.values()), Counter[str]())
    of_label: list[Counter[str]] = [Counter() for _ in range(folds)]
    photos = [0] * folds
    fold_of = {}
    for name in sorted(counted, key=lambda name: (-counted[name].total(), rank(seed, name))):
        group = counted[name]
        crowded = [sum(n * there[label] / in_all[label] for label, n in group.items()) for there in of_label]
        fold = min(range(folds), key=lambda number: (crowded[number], photos[number]))
        fold_of[name] = fold
        of_label[fold].update(group)
        photos[fold] += group.total()
    return fold_of


def assign(photos: pa.Table, folds: int, seed: int, folder: str) -> list[int]:
    """Return the fold of each photo of a listing; -1 for photos that are not tested in any.

    These are all but the training photos, and groups whose labels are in no other group: no fit could know them.
    """
    divided = divisible(photos, folder)
    if len(divided) < folds:
        what = "photos" if photos["group"].null_count == len(photos) else "groups"
        raise TooFewPhotosError(
            f"--folds must be at most the number of {what} of labels with at least 2 {what}, which is "
            f"{len(divided):,}, got {folds}.",
            f"Use fewer folds, or add {what}.",
        )
    fold_of = cut(divided, folds, seed)
    splits = photos["split"].to_pylist()
    return [
        fold_of.get(name, -1) if split == TRAIN else -1
        for name, split in zip(keys(photos, folder), splits, strict=True)
    ]


def divisible(photos: pa.Table, folder: str) -> Sizes:
    """Return the groups of the training photos that have a label which another group has too."""
    names, labels, splits = keys(photos, folder), photos["label"].to_pylist(), photos["split"].to_pylist()
    training = [number for number, split in enumerate(splits) if split == TRAIN]
    counted = sizes([names[number] for number in training], [labels[number] for number in training])
    alone = set(single(counted))
    return {name: group for name, group in counted.items() if not alone.issuperset(group)}


def single(counted: Sizes) -> list[str]:
    """Return the labels of which all photos are in one group, sorted."""
    found = Counter(label for group in counted.values() for label in group)
    return sorted(label for label, groups in found.items() if groups == 1)


def warnings(photos: pa.Table) -> list[str]:
    """Return what makes an accuracy by group impossible or too high, a line each; nothing without groups."""
    if photos["group"].null_count == len(photos):
        return []
    train, test = (of_split(photos, split) for split in (TRAIN, TEST))
    lines = []
    alone = single(sizes(train["group"].to_pylist(), train["label"].to_pylist()))
    if alone:
        lines.append(f"Warning: all training photos are in one group for the label {named(alone)}.")
    both = sorted(set(train["group"].to_pylist()) & set(test["group"].to_pylist()))
    if both:
        lines.append(
            f"Warning: {len(both):,} groups are in the training and in the test photos, for instance '{both[0]}'; "
            "the accuracy on them is not that on unknown objects."
        )
    return lines
