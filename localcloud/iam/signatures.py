"""Checks the signature of a request: AWS Signature Version 4, in the header or in the query (presigned).

The steps and their names are those of "Create a signed AWS API request" in the IAM user guide.
"""

import datetime
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Arrived:
    """A request as it arrived.

    Path and query are still percent-encoded, header names in lower case. The body is empty where it may be a large
    object for S3, whose hash a header states.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Signature:
    """The signature of a request.

    ``moment`` looks like ``20261121T120000Z``; ``signature`` is hexadecimal. ``seconds`` is the lifetime of a presigned
    URL, None for a request signed in its header.
    """

    key: str
    date: str
    region: str
    service: str
    moment: str
    signed: tuple[str, ...]
    signature: str
    token: str | None
    seconds: int | None

    @property
    def expired(self) -> bool:
        """Whether a presigned URL has expired."""
        if self.seconds is None:
            return False
        signed = datetime.datetime.strptime(self.moment, "%Y%m%dT%H%M%S%z")
        return datetime.datetime.now(datetime.UTC) > signed + datetime.timedelta(seconds=self.seconds)


def read(request: Arrived) -> Signature | None:
    """Return the signature of a request, None if it is not signed; raise ValueError if it cannot be parsed."""
    header = request.headers.get("authorization", "")
    if header.startswith(ALGORITHM):
        parts = dict(part.strip().split("=", 1) for part in header.removeprefix(ALGORITHM).split(","))
        key, date, region, service, _ = parts["Credential"].rsplit("/", 4)
        token = request.headers.get("x-amz-security-token")
        signed = tuple(parts["SignedHeaders"].split(";"))
        moment = request.headers["x-amz-date"]
        return Signature(key, date, region, service, moment, signed, parts["Signature"], token, None)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if query.get("X-Amz-Algorithm") == ALGORITHM:
        key, date, region, service, _ = query["X-Amz-Credential"].rsplit("/", 4)
        signed = tuple(query["X-Amz-SignedHeaders"].split(";"))
        token, seconds = query.get("X-Amz-Security-Token"), int(query["X-Amz-Expires"])
        return Signature(
            key, date, region, service, query["X-Amz-Date"], signed, query["X-Amz-Signature"], token, seconds
        )
    if header:
        raise ValueError("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
    return None


def right(request: Arrived, signature: Signature, secret: str) -> bool:
    """Tell whether a request was signed with this secret and has not been changed since."""
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    canonical = hashlib.sha256(_canonical(request, signature).encode()).hexdigest()
    text = "\n".join([ALGORITHM, signature.moment, scope, canonical])
    key = f"AWS4{secret}".encode()
    for part in (signature.date, signature.region, signature.service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(key.hex(), signature.signature)


def _canonical(request: Arrived, signature: Signature) -> str:
    path = request.path or "/"
    # Every service except S3 encodes the path once more.
    path = path if signature.service == "s3" else quote(path, safe="/-_.~")
    pairs = [part.partition("=")[::2] for part in request.query.split("&") if part]
    encoded = sorted(
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
        for name, value in pairs
        if name != "X-Amz-Signature"
    )
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signature.signed]
    payload = "UNSIGNED-PAYLOAD" if signature.seconds is not None else _hash_of_body(request, signature)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    return "\n".join([request.method, path, query, "".join(headers), ";".join(signature.signed), payload])


def _hash_of_body(request: Arrived, signature: Signature) -> str:
    """Return the body's hash; S3 alone takes it from a header, because its bodies may be streams."""
    said = request.headers.get("x-amz-content-sha256") if signature.service == "s3" else None
    return said or hashlib.sha256(request.body).hexdigest()
