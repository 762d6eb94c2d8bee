"""Upload one file to a set in the bucket, unless S3 already has the same content."""

import hashlib
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from boto3.s3.transfer import TransferConfig

from infra.aws import PAUSES, Aws, as_orchard_error, explained
from infra.errors import NotSentError
from infra.upload.fast_put import quick_put
from infra.upload.photo_folder import PART, Content, ToSend
from job.errors import OrchardError, TryAgainError
from job.images import labels
from job.storage import retry
from job.storage.shards import is_shard, shard_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SMALL = 2**20
"""Bytes up to which a file is sent with ``QuickPut``."""

LONGEST_KEY = 1024
"""Bytes of UTF-8, by S3's rules."""

_Answer = TypeVar("_Answer")

_TRANSFER = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that S3 has."""

    inside: str  # its key without the set's prefix
    size: int
    etag: str  # as S3 gives it, without quotation marks


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one file."""

    file: ToSend
    sent: bool = False
    failure: OrchardError | None = None
    at_aws: bool = False  # whether AWS failed, not reading the file


class Uploader:
    """Upload files to one set of a bucket; threads may share it."""

    def __init__(self, aws: Aws, bucket: str, prefix: str, sleep: Callable[[float], None]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._sleep = sleep
        # One attempt per call: ``_retry`` waits between attempts, with a clock that tests replace.
        self._client: S3Client = aws.client("s3", attempts=1)
        with explained(f"upload to s3://{bucket}/{prefix}"):
            self._quick = quick_put(aws, self._client, bucket)

    def stored(self) -> Iterator[StoredObject]:
        """Yield the objects of the set in S3's order, a page at a time."""
        for page in self._pages(Prefix=self._prefix):
            for found in page.get("Contents", []):
                yield StoredObject(found["Key"].removeprefix(self._prefix), found["Size"], found["ETag"].strip('"'))

    def has_shards(self) -> bool:
        """Return whether the set has shards, in its root or in a training or test folder; lists no other folders."""
        folders: list[str] = []
        for page in self._pages(Prefix=self._prefix, Delimiter="/"):
            if any(is_shard(found["Key"]) for found in page.get("Contents", [])):
                return True
            folders += [found["Prefix"] for found in page.get("CommonPrefixes", [])]
        split = [folder for folder in folders if labels.is_split(folder.removeprefix(self._prefix).rstrip("/"))]
        first = (f"{folder}{shard_name(0)}" for folder in split)
        return any(page.get("Contents") for prefix in first for page in self._pages(Prefix=prefix))

    def _pages(self, **asked: str) -> Iterator[Any]:
        asked["Bucket"] = self._bucket
        while True:
            page = self._retry(
                f"list s3://{self._bucket}/{self._prefix}", lambda: self._client.list_objects_v2(**cast("Any", asked))
            )
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def upload(self, file: ToSend, stored: StoredObject | None) -> Outcome:
        """Upload a file unless ``stored``, the object of its name, is the same; a failure is part of the outcome."""
        key = self._prefix + file.inside
        try:
            _check(key)
            if stored is not None and stored.size == file.size and stored.etag == _etag_of(file, stored.etag):
                return Outcome(file)
            self._send(key, file)
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            return Outcome(file, failure=not_sent(file, f"the file cannot be read ({reason})"))
        except _FileError as error:
            return Outcome(file, failure=not_sent(file, str(error)))
        except OrchardError as error:
            return Outcome(file, failure=error, at_aws=True)
        except Exception as error:  # noqa: BLE001 - an error would end the thread unnoticed
            return Outcome(file, failure=as_orchard_error(error, f"upload '{file.inside}'"), at_aws=True)
        return Outcome(file, sent=True)

    def _send(self, key: str, file: ToSend) -> None:
        kind = content_type(file.inside.rpartition(".")[2])
        doing = f"upload '{file.inside}'"
        if file.size > SMALL:
            self._retry(doing, lambda: self._send_large(key, file, kind))
            return
        with file.open() as stream:
            content = stream.read()
        pauses = PAUSES
        if self._quick is not None:
            if self._quick.put(key, content, kind):
                return
            # That was the first attempt.
            self._sleep(PAUSES[0])
            pauses = PAUSES[1:]
        self._retry(
            doing,
            lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind),
            pauses,
        )

    def _retry(self, doing: str, call: Callable[[], _Answer], pauses: Sequence[float] = PAUSES) -> _Answer:
        def attempt() -> _Answer:
            with explained(doing):
                return call()

        return retry(attempt, pauses, lambda error: isinstance(error, TryAgainError), self._sleep)

    def _send_large(self, key: str, file: ToSend, kind: str) -> None:
        with file.open() as stream:
            self._client.upload_fileobj(
                cast("IO[bytes]", stream), self._bucket, key, ExtraArgs={"ContentType": kind}, Config=_TRANSFER
            )


class _FileError(Exception):
    """A file's name that S3 does not allow."""


def etag(stream: Content, like: str) -> str:
    """Return the ETag that S3 gives a file: MD5 of its content, or of its parts' MD5 where it was sent in parts.

    Parameters
    ----------
    like
        An ETag that shows whether there were parts.
    """
    if "-" not in like:
        return hashlib.file_digest(stream, _md5).hexdigest()
    parts = [_md5(piece).digest() for piece in iter(lambda: stream.read(PART), b"")]
    return f"{_md5(b''.join(parts)).hexdigest()}-{len(parts)}"


def _etag_of(file: ToSend, like: str) -> str:
    with file.open() as stream:
        return etag(stream, like)


@lru_cache
def content_type(ending: str) -> str:
    """Return the MIME type of files whose name ends with "." and this."""
    return mimetypes.guess_type(f"file.{ending.lower()}", strict=False)[0] or "application/octet-stream"


def _md5(content: bytes = b"") -> Any:  # noqa: ANN401 - hashlib names no public type
    """Return MD5 as a checksum, also on machines that forbid it for security."""
    return hashlib.md5(content, usedforsecurity=False)


def _check(key: str) -> None:
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise _FileError("its name must be valid UTF-8 for S3; rename it") from error
    if length > LONGEST_KEY:
        raise _FileError(f"its name is {length - LONGEST_KEY} bytes longer than S3 allows; shorten it")


def not_sent(file: ToSend, reason: str) -> OrchardError:
    """Return the error for a file that cannot be sent."""
    shown = file.inside.encode("utf-8", "replace").decode()
    return NotSentError(f"Could not upload '{shown}': {reason}.", "Fix that cause, then rerun the command.")
