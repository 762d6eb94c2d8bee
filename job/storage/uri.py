"""Parses and normalizes URIs of files and folders.

A URI here is a path on this machine, or ``s3://bucket/key``, ``abfs://...``, ``gs://...``. It is never
percent-decoded or -encoded: a photo named ``100%.jpg`` keeps its name.
"""

import os
import re
from pathlib import Path

from job.errors import AddressError

SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://(.*)$", re.IGNORECASE | re.DOTALL)

_ONE_SLASH = re.compile(r"^(s3[an]?|abfss?|gs|gcs):/[^/]", re.IGNORECASE)

_SECRET = re.compile(
    r"^[^/@]*:[^/@]*@|[?&](x-amz-(signature|credential|security-token)|sig|sv|googleaccessid|signature)=", re.IGNORECASE
)
"""A password before the host, or the parameters of a presigned address (S3, Google) or of a shared access signature."""


def absolute_uri(uri: str) -> str:
    """Return a URI that means the same in every process: local paths absolute, without a slash at the end.

    ``file://`` is dropped, because a local path is its own URI here; ``s3a://`` and ``s3n://``, as Hadoop
    calls it, become ``s3://``.

    Raises
    ------
    UsageError
        If a scheme is followed by one slash, which would make it a path of this machine; or if the URI contains a
        secret, because results, logs and the arguments of EMR steps contain URIs.
    """
    match = SCHEME.match(uri)
    if match is None:
        if _ONE_SLASH.match(uri):
            raise AddressError(
                f"A URI requires two slashes after its scheme, got '{uri}'.", f"Write {uri.replace(':/', '://', 1)}"
            )
        return os.path.normpath(Path(uri).absolute())
    scheme, rest = match.group(1).lower(), match.group(2)
    if _SECRET.search(rest):
        raise AddressError(
            f"A URI must not contain a password, key or signature, got one that begins with '{scheme}://'.",
            "Remove it, and set the credentials in the environment.",
        )
    if scheme == "file":
        return os.path.normpath("/" + rest.lstrip("/"))
    if scheme in ("s3a", "s3n"):
        scheme = "s3"
    return f"{scheme}://{rest.rstrip('/')}"


def is_local(uri: str) -> bool:
    """Return whether a URI is a path on this machine."""
    return SCHEME.match(uri) is None


def resolved(uri: str) -> str:
    """Return the URI with the links of this machine followed."""
    return os.path.realpath(uri) if is_local(uri) else uri


def join(folder: str, *names: str) -> str:
    """Return the URI of something inside a folder."""
    return "/".join([folder.rstrip("/"), *names])


def split_s3(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an ``s3://`` URI; both are empty for other URIs."""
    if not uri.startswith("s3://"):
        return "", ""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
