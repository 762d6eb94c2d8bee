"""Open the file system of a URI with ``pyarrow.fs``: a disk, S3, Azure Data Lake or Google Cloud Storage."""

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
"""Attempts per S3 request; the SDK waits longer before each."""

PAUSES = (2.0, 8.0)
"""Seconds until what a storage's own client has given up is tried again, about."""

_Result = TypeVar("_Result")


def open_filesystem(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URI, and the path inside it."""
    match = SCHEME.match(uri)
    if match is None:
        return _local(), uri
    scheme, path = match.group(1), match.group(2)
    if scheme == "s3":
        bucket = path.split("/", 1)[0]
        if not bucket:
            raise AddressError(f"An S3 URI requires a bucket, got '{uri}'.", "Write it as s3://BUCKET/FOLDER")
        # Threads that begin together would each open one, and each takes a while.
        with _MAKING:
            return _s3(bucket), path
    if scheme in ("abfs", "abfss"):
        authority, _, inside = path.partition("/")
        container, _, account = authority.partition("@")
        if not account:
            raise AddressError(
                f"An Azure URI requires a storage account, got '{uri}'.",
                f"Write it as {scheme}://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER",
            )
        return _azure(account.split(".", 1)[0]), f"{container}/{inside}".rstrip("/")
    if scheme in ("gs", "gcs"):
        return _google(), path
    raise AddressError(
        f"A URI must begin with s3://, abfs:// or gs://, got '{uri}'.",
        "Use a path of this machine, or a URI like s3://BUCKET/FOLDER",
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
    # One file system per bucket: buckets may be in different regions.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = s3_region(os.environ)
    if region is None and endpoint is None:
        try:
            region = fs.resolve_s3_region(bucket)
        except OSError as error:
            raise unreachable(f"Cannot find the region of the bucket '{bucket}'", error) from error
    return fs.S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=S3_ATTEMPTS),
    )


def s3_region(environment: Mapping[str, str]) -> str | None:
    """Return the AWS region of the environment, None without one."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None


@lru_cache(maxsize=4)
def _azure(account: str) -> fs.FileSystem:
    # The variables of Azure's command line, and two for the address of an emulator.
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
