"""Check before a run costs anything that photos and backbone exist and no results are in the way."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra import invocation
from infra.aws import Aws, exists, explained
from infra.errors import RunRefusedError
from job.arguments import Arguments
from job.images import describe_ignored, ending, groups, is_photo, labels
from job.results import LAYOUT, MANIFEST
from job.storage import is_hidden, split_s3


@dataclass(frozen=True)
class PhotosFound:
    """How many photos a folder holds, and their size together."""

    count: int
    bytes: int
    ignored: str = ""  # a line on files that are not photos
    names: tuple[str, ...] = field(default=(), repr=False, compare=False)  # paths inside the folder


def require_photos(aws: Aws, uri: str) -> PhotosFound:
    """Return how many photos lie below a folder in S3, or in a whole bucket, as the job will list them."""
    bucket, key = split_s3(uri)
    prefix = f"{key.rstrip('/')}/".lstrip("/")
    size = 0
    names: list[str] = []
    ignored: Counter[str] = Counter()
    with explained(f"list the photos in {uri}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                inside = entry["Key"].removeprefix(prefix)
                if is_hidden(inside) or inside.endswith("/"):
                    continue
                if is_photo(inside):
                    names.append(inside)
                    size += entry["Size"]
                else:
                    ignored[ending(inside)] += 1
    if not names:
        name = key.removeprefix("images/").split("/", 1)[0] or "SET"
        upload = invocation.orchard(f"upload PATH {name}")
        raise RunRefusedError(f"There are no photos in {uri}.", f"Upload them: {upload}")
    return PhotosFound(len(names), size, describe_ignored(ignored), tuple(names))


def check_labels(arguments: Arguments, found: Mapping[str, PhotosFound]) -> list[str]:
    """Return what is probably wrong with the labels of a run, a line each.

    Raises
    ------
    UsageError
        If training and test folders are mixed, or ``--label-pattern`` or ``--group-pattern`` does not match a photo.
    """
    pattern, grouping = labels.compiled(arguments.label_pattern), groups.compiled(arguments.group_pattern)
    if arguments.images is None:
        return []
    for folder in (arguments.images, arguments.test):
        if folder is not None and grouping is not None:
            groups.of_paths(found[folder].names, grouping)
    if pattern is None:
        labels.require_no_splits(found[arguments.images].names, arguments.images.rstrip("/"))
    training: dict[str, list[str]] = {}
    for label, name in _labelled(arguments.images, found[arguments.images].names, pattern):
        training.setdefault(label, []).append(name)
    tested = [] if arguments.test is None else _labelled(arguments.test, found[arguments.test].names, pattern)
    if arguments.labels is not None:
        # The job names a label that does not exist; others are not used.
        return []
    return labels.warnings(
        training, {label for label, _ in tested}, has_test=arguments.test is not None, by_folder=pattern is None
    )


def _labelled(uri: str, names: Sequence[str], pattern: re.Pattern[str] | None) -> list[tuple[str, str]]:
    root = uri.rstrip("/").rpartition("/")[2]
    return list(zip(labels.labels_of(names, root, pattern), names, strict=True))


def require_model(aws: Aws, uri: str) -> None:
    """Raise RunRefusedError if a backbone is not in S3, where the cluster can read it."""
    bucket, key = split_s3(uri)
    if not key:
        raise RunRefusedError(
            f"--model must be a file in S3 or on this machine, got {uri}.",
            "Name a URI like s3://BUCKET/models/FILE.tflite, or a file of this machine.",
        )
    with explained(f"look for {uri}"):
        if not exists(aws, bucket, key):
            raise RunRefusedError(
                f"There is no backbone {uri}.", "See which there are: " + aws.typed(f"s3 ls s3://{bucket}/models/")
            )


def require_no_results(aws: Aws, bucket: str, key: str) -> None:
    """Raise RunRefusedError if a results folder already holds results."""
    with explained(f"list the results in s3://{bucket}/{key}"):
        answer = aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/", Delimiter="/")
    names = [entry["Key"] for entry in answer.get("Contents", ())]
    names += [entry["Prefix"].rstrip("/") for entry in answer.get("CommonPrefixes", ())]
    found = [name for name in (name.rsplit("/", 1)[1] for name in names) if name in LAYOUT]
    if found:
        kind = "the results of a finished run" if MANIFEST in found else "what an unfinished run left"
        raise RunRefusedError(
            f"s3://{bucket}/{key} holds {kind}.",
            "Go on with it: --resume; replace it: --overwrite; or choose another --name.",
        )
