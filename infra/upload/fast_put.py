"""Put one small object into S3 with little processor time: without retries and parsing.

boto3 spends most of the time for a small file in its own code; docs/decisions/0031 has the figures. After any failure
here, the caller sends the object again with boto3.
"""

import hashlib
import hmac
import http.client
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials, ReadOnlyCredentials

from infra.aws import Aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SECONDS_FOR_AN_ANSWER = 30.0

_OK = 200
_PROBE = "probe"


@dataclass(frozen=True)
class Place:
    """The address of a bucket."""

    scheme: str  # "https", or "http" for a server on this machine
    host: str  # with the port unless it is the default
    base: str  # the path before a key, with "/" at both ends
    region: str


class QuickPut:
    """Put small objects; threads may share it, each with its own connection."""

    def __init__(self, place: Place, credentials: Credentials, certificates: str) -> None:
        self._place = place
        self._credentials = credentials
        self._context = ssl.create_default_context(cafile=certificates) if place.scheme == "https" else None
        self._local = threading.local()

    def put(self, key: str, content: bytes, content_type: str) -> bool:
        """Put one object; return whether S3 has stored it and has checked its SHA-256."""
        path = self._place.base + quote(key)
        signed = headers(self._place, path, content, content_type, self._credentials.get_frozen_credentials())
        # S3 may have closed a connection that was used before: retry once with a new one.
        for fresh in (False, True):
            connection = self._connection(fresh=fresh)
            used = connection.sock is not None
            try:
                connection.request("PUT", path, content, signed)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if not used:
                    return False
            else:
                return answer.status == _OK
        return False

    def _connection(self, *, fresh: bool) -> http.client.HTTPConnection:
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is not None and not fresh:
            return kept
        made = (
            http.client.HTTPSConnection(self._place.host, timeout=SECONDS_FOR_AN_ANSWER, context=self._context)
            if self._context
            else http.client.HTTPConnection(self._place.host, timeout=SECONDS_FOR_AN_ANSWER)
        )
        self._local.connection = made
        return made


def quick_put(aws: Aws, client: "S3Client", bucket: str) -> QuickPut | None:
    """Return a QuickPut for a bucket, or None behind a proxy, which only boto3 can use.

    Raises
    ------
    botocore.exceptions.NoCredentialsError
        If there are no credentials.
    """
    place = find_place(client, bucket)
    host = urlsplit(f"//{place.host}").hostname or place.host
    credentials = aws.credentials
    if credentials is None or (getproxies().get(place.scheme) and not proxy_bypass(host)):
        return None
    return QuickPut(place, credentials, aws.certificates)


def find_place(client: "S3Client", bucket: str) -> Place:
    """Return the address that boto3 uses for a bucket; nothing is sent.

    boto3 builds a request by its rules (regions, partitions, dual stack, custom endpoints, names with dots), which is
    intercepted.
    """
    made: list[AWSPreparedRequest] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> Any:  # noqa: ANN401 - botocore's own
        made.append(request)
        return AWSResponse(request.url, _OK, HTTPHeaders(), _EmptyBody())

    client.meta.events.register_first("before-send.s3.PutObject", keep)
    try:
        client.put_object(Bucket=bucket, Key=_PROBE)
    finally:
        client.meta.events.unregister("before-send.s3.PutObject", keep)
    address = urlsplit(made[0].url)
    authorization = made[0].headers["Authorization"]
    text = authorization.decode() if isinstance(authorization, bytes) else authorization
    region = text.split("Credential=", 1)[1].split("/")[2]
    return Place(address.scheme, address.netloc, address.path.removesuffix(_PROBE), region)


def headers(
    place: Place,
    path: str,
    content: bytes,
    content_type: str,
    credentials: ReadOnlyCredentials,
    now: float | None = None,
) -> Mapping[str, str]:
    """Return the headers of a signed PUT (AWS Signature Version 4 for S3: the path is encoded once).

    Parameters
    ----------
    path
        Percent-encoded.
    now
        Seconds since 1970; None for the current time.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    digest = hashlib.sha256(content).hexdigest()
    named = {
        "content-type": content_type,
        "host": place.host,
        "x-amz-content-sha256": digest,
        "x-amz-date": stamp,
    }
    if credentials.token:
        named["x-amz-security-token"] = credentials.token
    names = ";".join(named)
    lines = "\n".join(f"{name}:{value}" for name, value in named.items())
    canonical = f"PUT\n{path}\n\n{lines}\n\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{place.region}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, stamp[:8], place.region)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    named["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return named


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    """Return the signing key, which is valid for a day."""
    key = f"AWS4{secret}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


class _EmptyBody:
    """The body of an empty answer, for botocore."""

    def stream(self, **_: Any) -> list[bytes]:  # noqa: ANN401 - botocore's own
        """Return no chunks."""
        return []
