"""Check before a run costs anything that photos and backbone exist and no results are in the way."""

from dataclasses import dataclass

from infra import invocation
from infra.aws import Aws, exists, explained
from infra.errors import RunRefusedError
from job.images import is_photo
from job.results import LAYOUT, MANIFEST
from job.storage import split_s3


@dataclass(frozen=True)
class PhotosFound:
    """How many photos a folder holds, and their size together."""

    count: int
    bytes: int


def require_photos(aws: Aws, uri: str) -> PhotosFound:
    """Return how many photos lie below a folder in S3, or in a whole bucket, as the job will list them."""
    bucket, key = split_s3(uri)
    prefix = f"{key.rstrip('/')}/".lstrip("/")
    count = size = 0
    with explained(f"list the photos in {uri}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                inside = entry["Key"].removeprefix(prefix)
                if is_photo(inside) and not any(part.startswith(".") for part in inside.split("/")):
                    count += 1
                    size += entry["Size"]
    if count == 0:
        name = key.removeprefix("images/").split("/", 1)[0] or "SET"
        upload = invocation.orchard(f"upload PATH {name}")
        raise RunRefusedError(f"There are no photos in {uri}.", f"Upload them: {upload}")
    return PhotosFound(count, size)


def require_model(aws: Aws, uri: str) -> None:
    """Raise RunRefusedError if a backbone is not in S3, where the cluster can read it."""
    bucket, key = split_s3(uri)
    if not key:
        raise RunRefusedError(
            f"--model {uri} is no file in S3.",
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
