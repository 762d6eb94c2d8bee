"""Check before a run costs anything that its photos, labels and backbone exist and that no results are in the way."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra import invocation
from infra.aws import Aws, exists, explained, folders
from infra.errors import RunRefusedError
from infra.runs import fetch
from infra.runs.history import MOST_NAMED
from infra.runs.plan import Plan
from infra.upload import SHARDS_AT_A_TIME, set_names
from job.arguments import Arguments, PredictArguments
from job.errors import did_you_mean
from job.features.network import read_description
from job.images import describe_ignored, ending, groups, is_photo, labels, listing, nfc
from job.results import LAYOUT, MANIFEST
from job.storage import is_archive, is_hidden, shards, split_s3, without_archive


@dataclass(frozen=True)
class PhotosFound:
    """What a folder of photos in S3 holds."""

    count: int
    bytes: int
    ignored: str = ""  # a line on files that are not photos
    archives: int = 0  # that the photos are in, if they are not single
    unlisted: int = 0  # of these, archives whose photos are not counted here
    names: tuple[str, ...] = field(default=(), repr=False, compare=False)  # paths inside the folder


def check(aws: Aws, plan: Plan) -> dict[str, PhotosFound]:
    """Return what photos a run will read, by URI of their folder.

    Raises
    ------
    RunRefusedError
        If the run would fail on the cluster, or its results are there already.
    """
    asked = plan.arguments
    found = {uri: require_photos(aws, uri) for uri in plan.photos}
    if isinstance(asked, PredictArguments):
        require_results(aws, asked.results)
    else:
        require_file(aws, "--image-list", asked.image_list)
    require_file(aws, "--model", asked.model)
    if isinstance(plan.backbone, Path):
        # Raises what the job would raise, after the cluster has been paid for.
        read_description(plan.backbone)
    if not (asked.overwrite or asked.resume):
        require_no_results(aws, plan.bucket, plan.results_key)
    return found


def require_photos(aws: Aws, uri: str) -> PhotosFound:
    """Return what photos are below a folder in S3, or in a whole bucket, as the job will list them.

    Of a folder of archives only shards with an index are looked into: others can take long to list.

    Raises
    ------
    RunRefusedError
        If there are no photos.
    ShardsError
        If its shards do not belong together, or lie next to single photos.
    """
    bucket, key = split_s3(uri)
    prefix = f"{key.rstrip('/')}/".lstrip("/")
    photos: dict[str, int] = {}
    others: dict[str, int] = {}
    with explained(f"list the photos in {uri}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                inside = entry["Key"].removeprefix(prefix)
                if not is_hidden(inside) and not inside.endswith("/"):
                    (photos if is_photo(inside) else others)[inside] = entry["Size"]
    archives = {inside: size for inside, size in others.items() if is_archive(inside)}
    if photos:
        listing.require_no_shards(archives, uri)
        return PhotosFound(len(photos), sum(photos.values()), _ignored(others), names=tuple(photos))
    packed = {inside: size for inside, size in archives.items() if shards.is_shard(inside)}
    with explained(f"read the shards in {uri}"), ThreadPoolExecutor(SHARDS_AT_A_TIME) as pool:
        indexes = dict(
            zip(packed, pool.map(lambda item: _index(aws, bucket, prefix, *item), packed.items()), strict=True)
        )
    shards.require_whole(indexes, uri)
    inside_shards = [f"{shard}/{file.name}" for shard, index in indexes.items() for file in index.files]
    names = tuple(filter(is_photo, map(without_archive, inside_shards)))
    ignored = _ignored([*(others.keys() - archives), *(name for name in inside_shards if not is_photo(name))])
    size, unlisted = sum(archives.values()), len(archives) - len(packed)
    if not names and not unlisted:
        raise RunRefusedError(f"There are no photos in {uri}.", _where_photos_are(aws, bucket, key))
    return PhotosFound(len(names), size, ignored, len(archives), unlisted, names)


def _ignored(names: Iterable[str]) -> str:
    return describe_ignored(Counter(map(ending, names)))


def _index(aws: Aws, bucket: str, prefix: str, inside: str, size: int) -> shards.Index:
    """Return the index of a shard in S3."""

    def read_at(length: int, start: int) -> bytes:
        asked = f"bytes={start}-{start + length - 1}"
        return aws.s3.get_object(Bucket=bucket, Key=prefix + inside, Range=asked)["Body"].read()

    return shards.read_index(read_at, size, f"s3://{bucket}/{prefix}{inside}")


def check_labels(arguments: Arguments, found: Mapping[str, PhotosFound]) -> list[str]:
    """Return what is probably wrong with the labels of a run, a line each.

    Raises
    ------
    UsageError
        If training and test folders are mixed, or ``--label-pattern`` or ``--group-pattern`` does not match a photo.
    RunRefusedError
        If a folder lacks a label of ``--labels``.
    """
    pattern, grouping = labels.compiled(arguments.label_pattern), groups.compiled(arguments.group_pattern)
    if arguments.images is None:
        return []
    for folder in (arguments.images, arguments.test):
        if folder is not None and grouping is not None:
            groups.of_paths(found[folder].names, grouping)
    if any(each.unlisted for each in found.values()):
        return []
    if pattern is None:
        labels.require_no_splits(found[arguments.images].names, arguments.images.rstrip("/"))
    training: dict[str, list[str]] = {}
    for label, name in _labelled(arguments.images, found[arguments.images].names, pattern):
        training.setdefault(label, []).append(name)
    tested = [] if arguments.test is None else _labelled(arguments.test, found[arguments.test].names, pattern)
    if arguments.labels is not None:
        _require_labels(arguments.labels, set(training), arguments.images)
        if arguments.test is not None:
            _require_labels(arguments.labels, {label for label, _ in tested}, arguments.test)
        return []
    return labels.warnings(
        training, {label for label, _ in tested}, has_test=arguments.test is not None, by_folder=pattern is None
    )


def _labelled(uri: str, names: Sequence[str], pattern: re.Pattern[str] | None) -> list[tuple[str, str]]:
    root = uri.rstrip("/").rpartition("/")[2]
    return list(zip(labels.labels_of(names, root, pattern), names, strict=True))


def _require_labels(wanted: Sequence[str], known: Collection[str], uri: str) -> None:
    for label in wanted:
        if nfc(label) not in known:
            raise RunRefusedError(
                f"--labels must name labels of {uri}, got '{label}'.",
                f"{did_you_mean(label, known)}Labels: {_some(sorted(known))}.",
            )


def require_file(aws: Aws, option: str, uri: str | None) -> None:
    """Raise RunRefusedError unless the value of an option is a file in S3; None and local files are not checked."""
    bucket, key = split_s3(uri or "")
    if uri is None or not bucket:
        return
    if not key:
        raise RunRefusedError(f"{option} must name a file, got '{uri}'.", f"Add its path: {option} s3://{bucket}/FILE")
    with explained(f"look for {uri}"):
        if not exists(aws, bucket, key):
            folder = f"s3://{bucket}/{key.rpartition('/')[0]}".rstrip("/")
            raise RunRefusedError(f"There is no file {uri}.", f"List the files: {aws.typed(f's3 ls {folder}/')}")


def require_results(aws: Aws, uri: str) -> None:
    """Raise RunUnknownError unless a folder in S3 holds the results of a finished run."""
    bucket, key = split_s3(uri)
    fetch.manifest(aws, bucket, key.rstrip("/"))


def require_no_results(aws: Aws, bucket: str, key: str) -> None:
    """Raise RunRefusedError if a results folder already holds results."""
    with explained(f"list the results in s3://{bucket}/{key}"):
        answer = aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/", Delimiter="/")
    names = [entry["Key"] for entry in answer.get("Contents", ())]
    names += [entry["Prefix"].rstrip("/") for entry in answer.get("CommonPrefixes", ())]
    found = [name for name in (name.rsplit("/", 1)[1] for name in names) if name in LAYOUT]
    if found:
        kind = "results of a finished run" if MANIFEST in found else "files of an unfinished run"
        raise RunRefusedError(
            f"s3://{bucket}/{key} already holds {kind}.",
            "Continue that run with --resume, replace it with --overwrite, or choose another --name.",
        )


def _where_photos_are(aws: Aws, bucket: str, key: str) -> str:
    """Return the nearest set or folder that exists, else how to upload photos."""
    if not key.startswith("images/"):
        return f"List the folders: {aws.typed(f's3 ls s3://{bucket}/')}"
    name, *inside = key.removeprefix("images/").split("/")
    folder = name if Path(name).is_dir() else "FOLDER"
    upload = f"Upload it: {invocation.orchard(f'upload {folder} {name}')}"
    sets = set_names(aws, bucket)
    if name not in sets:
        return f"{did_you_mean(name, sets)}Uploaded sets: {_some(sets)}. {upload}" if sets else upload
    parent = "/".join([name, *inside[:-1]])
    with explained(f"list the folders in s3://{bucket}/images/{parent}/"):
        known = [f"{parent}/{each}" for each in folders(aws, bucket, f"images/{parent}/")]
    return f"{did_you_mean(key.removeprefix('images/'), known)}Folders: {_some(known)}." if known else upload


def _some(names: Sequence[str]) -> str:
    """Return the first of some names, separated by commas."""
    return f"{', '.join(names[:MOST_NAMED])}{', ...' if len(names) > MOST_NAMED else ''}"
