"""Read labels from paths, and find what is probably wrong with the labels of a data set, before anything is fitted."""

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from job.errors import SplitFoldersError
from job.images import patterns
from job.images.patterns import FIRST_FOLDER, nfc

OPTION = "--label-pattern"

_TRAINING = ("train", "training")
_TESTING = ("test", "testing", "val", "valid", "validation")

_SHOWN = 5


def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """Return ``--label-pattern`` compiled; raise UsageError unless it is a regular expression with a group."""
    return patterns.compiled(OPTION, pattern)


def label_of(inside: str, root_label: str) -> str:
    """Return a photo's label in NFC: the last folder of its path, or the listed folder for photos directly in it."""
    return nfc(PurePosixPath(inside).parent.name or root_label)


def labels_of(insides: Sequence[str], root_label: str, pattern: re.Pattern[str] | None) -> list[str]:
    """Return the label of each photo; raise UsageError if the pattern does not match one."""
    if pattern is None:
        return [label_of(inside, root_label) for inside in insides]
    return patterns.captured(OPTION, pattern, insides)


def is_split(folder: str) -> bool:
    """Return whether a folder's name is that of training or test photos."""
    return folder.lower() in _TRAINING + _TESTING


def require_no_splits(insides: Iterable[str], folder: str) -> None:
    """Raise SplitFoldersError if a folder given to fit on contains a training and a test folder, at any depth.

    Kaggle's archives unpack that way; fitted as one folder, test photos would be trained on.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for inside in insides:
        *folders, _ = inside.split("/")
        for depth, name in enumerate(folders):
            if is_split(name):
                kind = _TRAINING if name.lower() in _TRAINING else _TESTING
                found["/".join(folders[:depth])].setdefault(kind[0], name)
    mixed = sorted((above.count("/"), above) for above, kinds in found.items() if len(kinds) > 1)
    if not mixed:
        return
    above = mixed[0][1]
    base = f"{folder}/{above}".rstrip("/")
    train, test = (found[above][kind[0]] for kind in (_TRAINING, _TESTING))
    raise SplitFoldersError(
        f"--images must contain training photos only, got '{folder}' with the folders '{train}' and '{test}'"
        f"{f' in {above}' if above else ''}.",
        f"Replace --images and --holdout by: --images {shlex.quote(f'{base}/{train}')} "
        f"--test {shlex.quote(f'{base}/{test}')}",
    )


def warnings(
    training: Mapping[str, Collection[str]], tested: Collection[str], *, has_test: bool, by_folder: bool
) -> list[str]:
    """Return what is probably wrong with labels, a line each.

    Parameters
    ----------
    training
        Labels of the training photos, with the paths inside the folder of each.
    tested
        Labels of the test photos.
    has_test
        Whether there should be test photos of every label.
    by_folder
        Whether labels are folders of the listed folder.
    """
    lines = [*_alike({*training, *tested})]
    unknown = sorted(set(tested) - set(training))
    if unknown:
        lines.append(f"Warning: no training photo has the label {named(unknown)}; their test photos count as wrong.")
    untested = sorted(set(training) - set(tested))
    if has_test and tested and untested:
        lines.append(f"Warning: no test photo has the label {named(untested)}; the accuracy leaves them out.")
    single = sorted(label for label, paths in training.items() if len(paths) == 1)
    if single:
        lines.append(f"Warning: only one training photo has the label {named(single)}.")
    if by_folder:
        lines += _several_folders(training)
    return lines


def _alike(labels: Iterable[str]) -> list[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        groups["".join(label.casefold().split())].append(label)
    return [
        f"Warning: the labels {named(group)} differ only in case or spaces; rename the folders if they mean the same."
        for group in groups.values()
        if len(group) > 1
    ]


def _several_folders(training: Mapping[str, Collection[str]]) -> list[str]:
    parents = {label: sorted({path.rpartition("/")[0] for path in paths}) for label, paths in training.items()}
    several = {label: folders for label, folders in sorted(parents.items()) if len(folders) > 1}
    lines = []
    if several:
        label, folders = next(iter(several.items()))
        lines.append(
            f"Warning: {len(several):,} of {len(training):,} labels come from several folders, for instance "
            f"'{label}' from {named(folders)}; if the first folder is the label: --label-pattern '{FIRST_FOLDER}'"
        )
    at_root = [path for paths in training.values() for path in paths if "/" not in path]
    if at_root and len(training) > 1:
        lines.append(
            f"Warning: {len(at_root):,} photos are directly in the folder and have its name as their label, for "
            f"instance '{min(at_root)}'; move them into the folder of their label."
        )
    return lines


def named(names: Sequence[str]) -> str:
    """Return the first few of some names, quoted, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
