"""Read the addresses of files and folders: what a URI means, and whether two mean the same.

A URI here is a path on this machine, or ``s3://bucket/key``, ``abfs://...``, ``gs://...``. It is never
percent-decoded or -encoded: a photo named ``100%.jpg`` keeps its name.
"""

import os
import re
from pathlib import Path

from job.errors import AddressError

SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://(.*)$", re.IGNORECASE | re.DOTALL)

_ONE_SLASH = re.compile(r"^(?P<scheme>[a-z][a-z0-9+.-]+):/(?P<path>[^/].*)$", re.IGNORECASE | re.DOTALL)

_SECRET = re.compile(
    r"^[^/@]*:[^/@]*@|[?&](x-amz-(signature|credential|security-token)|sig|sv|googleaccessid|signature)=", re.IGNORECASE
)
"""A password before the host, or the parameters of a presigned address (S3, Google) or of a shared access signature."""


def absolute_uri(uri: str) -> str:
    """Return a URI that means the same in every process: local paths absolute, no slash at the end.

    ``file://`` is dropped, because a local path is its own URI here; ``s3a://`` and ``s3n://``, as Hadoop
    calls it, become ``s3://``.

    Raises
    ------
    UsageError
        If a scheme is followed by one slash only, for the path would be taken for one of this machine; or if the URI
        carries a secret, for URIs are written into results, logs and the arguments of a cluster's steps.
    """
    match = SCHEME.match(uri)
    if match is None:
        single = _ONE_SLASH.match(uri)
        if single is not None and single["scheme"].lower() == "file":
            return os.path.normpath(f"/{single['path']}")
        if single is not None:
            raise AddressError(f"'{uri}' has one slash after its scheme.", f"Write {uri.replace(':/', '://', 1)}")
        # A shell does not expand a quoted ~, nor one after "=".
        return os.path.normpath(Path(os.path.expanduser(uri)).absolute())  # noqa: PTH111 - keeps an unknown user's ~
    scheme, rest = match.group(1).lower(), match.group(2)
    if _SECRET.search(rest):
        raise AddressError(
            f"The URI that begins with '{scheme}://' carries a secret: a password, a key or a signature.",
            "Leave it out: credentials come from the environment, or from the role of the machine.",
        )
    if scheme == "file":
        return os.path.normpath("/" + rest.lstrip("/"))
    if scheme in ("s3a", "s3n"):
        scheme = "s3"
    if "//" in rest.rstrip("/"):
        raise AddressError(
            f"A URI must not have an empty part, got '{uri}'.",
            f"Write {scheme}://{re.sub('/+', '/', rest).strip('/')}",
        )
    return f"{scheme}://{rest.rstrip('/')}"


def is_local(uri: str) -> bool:
    """Return whether a URI is a path on this machine."""
    return SCHEME.match(uri) is None


def resolved(uri: str) -> str:
    """Return the URI of the real thing: links on this machine are followed."""
    return os.path.realpath(uri) if is_local(uri) else uri


def join(folder: str, *names: str) -> str:
    """Return the URI of something inside a folder."""
    return "/".join([folder.rstrip("/"), *names])


def split_s3(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an ``s3://`` URI; both are empty if it is none."""
    if not uri.startswith("s3://"):
        return "", ""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
