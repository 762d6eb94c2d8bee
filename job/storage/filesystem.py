"""Opens the file system that a URI lies on: a disk, S3, Azure's or Google's storage, each by ``pyarrow.fs``."""

import os
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from pyarrow import fs

from job.errors import AddressError, refused, unreachable
from job.storage.retry import retry
from job.storage.uri import SCHEME

_MAKING = threading.Lock()

S3_ATTEMPTS = 5
"""How often one S3 request is made before it counts as failed; the SDK waits longer each time."""

PAUSES = (2.0, 8.0)
"""Seconds until what a storage's own client has given up is tried again, about."""

_Result = TypeVar("_Result")


def open_filesystem(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system that a URI lies on, and the path inside it."""
    match = SCHEME.match(uri)
    if match is None:
        return _local(), uri
    scheme, path = match.group(1), match.group(2)
    if scheme == "s3":
        bucket = path.split("/", 1)[0]
        if not bucket:
            raise AddressError(f"'{uri}' names no bucket.", "Write it as s3://BUCKET/FOLDER.")
        # Threads that begin together would each make one of their own, and each takes a while.
        with _MAKING:
            return _s3(bucket), path
    if scheme in ("abfs", "abfss"):
        authority, _, inside = path.partition("/")
        container, _, account = authority.partition("@")
        if not account:
            raise AddressError(
                f"'{uri}' names no storage account.",
                f"Write it as {scheme}://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER.",
            )
        return _azure(account.split(".", 1)[0]), f"{container}/{inside}".rstrip("/")
    if scheme in ("gs", "gcs"):
        return _google(), path
    raise AddressError(
        f"'{uri}' is on a kind of storage that is not known here: '{scheme}'.",
        "Use a folder of this machine, or s3://, abfs:// or gs://.",
    )


def persistently(attempt: Callable[[], _Result]) -> _Result:
    """Attempt again what a storage has failed at: its own client has tried several times then, within seconds."""
    return retry(attempt, PAUSES, _may_pass)


def _may_pass(error: Exception) -> bool:
    final = isinstance(error, FileNotFoundError) or refused(error) is not None
    return isinstance(error, OSError) and not final


@lru_cache(maxsize=1)
def _local() -> fs.FileSystem:
    return fs.LocalFileSystem()


@lru_cache(maxsize=16)
def _s3(bucket: str) -> fs.FileSystem:
    # One file system a bucket: buckets may lie in different regions.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = s3_region(os.environ)
    if region is None and endpoint is None:
        try:
            region = fs.resolve_s3_region(bucket)
        except OSError as error:
            raise unreachable(f"The region of the bucket '{bucket}' could not be found", error) from error
    return fs.S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=S3_ATTEMPTS),
    )


def s3_region(environment: Mapping[str, str]) -> str | None:
    """Return the AWS region that the environment names, None where it names none."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None


@lru_cache(maxsize=4)
def _azure(account: str) -> fs.FileSystem:
    # The variables are those of Azure's own command line; an emulator's address comes in the last two.
    authority = os.environ.get("AZURE_STORAGE_BLOB_AUTHORITY")
    emulator = (
        {
            "blob_storage_authority": authority,
            "dfs_storage_authority": authority,
            "blob_storage_scheme": os.environ.get("AZURE_STORAGE_SCHEME", "https"),
            "dfs_storage_scheme": os.environ.get("AZURE_STORAGE_SCHEME", "https"),
        }
        if authority
        else {}
    )
    return fs.AzureFileSystem(account, account_key=os.environ.get("AZURE_STORAGE_KEY"), **emulator)


@lru_cache(maxsize=1)
def _google() -> fs.FileSystem:
    return fs.GcsFileSystem()
