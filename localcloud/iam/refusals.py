"""Writes a refusal as the service does: its code, its message and the format that its clients read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused, with the error code and HTTP status for each kind of service."""

    s3: tuple[str, int]
    query: tuple[str, int]
    json: tuple[str, int]
    ec2: tuple[str, int]
    message: str


def access_denied(principal: str, action: str, resource: str) -> Refusal:
    """Return the refusal of something that no policy allows."""
    return Refusal(
        *(("AccessDenied", 403), ("AccessDenied", 403), ("AccessDeniedException", 400), ("UnauthorizedOperation", 403)),
        f"User: {principal} is not authorized to perform: {action} on resource: {resource}",
    )


def not_modelled(service: str) -> Refusal:
    """Return the refusal of a service that is not modelled; clients do not retry it."""
    return Refusal(
        *(("NotImplemented", 501), ("InvalidAction", 400), ("UnknownOperationException", 400), ("InvalidAction", 400)),
        f"The local cloud does not model the service {service}.",
    )


UNKNOWN_KEY = Refusal(
    ("InvalidAccessKeyId", 403), ("InvalidClientTokenId", 403),
    ("UnrecognizedClientException", 400), ("AuthFailure", 401),
    "The AWS Access Key Id you provided does not exist in our records.",
)  # fmt: skip
WRONG_SIGNATURE = Refusal(
    ("SignatureDoesNotMatch", 403), ("SignatureDoesNotMatch", 403),
    ("InvalidSignatureException", 400), ("AuthFailure", 401),
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method.",
)  # fmt: skip
WRONG_TOKEN = Refusal(
    ("InvalidToken", 400), ("InvalidClientTokenId", 403), ("UnrecognizedClientException", 400), ("AuthFailure", 401),
    "The provided token is malformed or otherwise invalid.",
)  # fmt: skip
EXPIRED = Refusal(
    ("ExpiredToken", 400), ("ExpiredToken", 403), ("ExpiredTokenException", 400), ("RequestExpired", 400),
    "The provided token has expired.",
)  # fmt: skip
ADDRESS_EXPIRED = Refusal(
    ("AccessDenied", 403), ("AccessDenied", 403), ("AccessDeniedException", 400), ("AuthFailure", 401),
    "Request has expired",
)  # fmt: skip
NOT_SIGNED = Refusal(
    ("AccessDenied", 403), ("MissingAuthenticationToken", 403),
    ("MissingAuthenticationTokenException", 400), ("AuthFailure", 401),
    "Request is missing Authentication Token",
)  # fmt: skip
FROM_A_PAGE = Refusal(
    ("AccessDenied", 403), ("AccessDenied", 403), ("AccessDeniedException", 400), ("UnauthorizedOperation", 403),
    "The local cloud answers programs on this machine only, not web pages.",
)  # fmt: skip
NOT_UNDERSTOOD = Refusal(
    ("AuthorizationHeaderMalformed", 400), ("IncompleteSignature", 400),
    ("IncompleteSignatureException", 400), ("AuthFailure", 401),
    "The authorization of the request cannot be read.",
)  # fmt: skip


def written(refusal: Refusal, service: str, method: str, headers: Mapping[str, str]) -> tuple[int, str, str, bytes]:
    """Return the answer: its status, its error's code, its content type and its body."""
    request_id, message = str(uuid4()), escape(refusal.message)
    if service == "s3":
        code, status = refusal.s3
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
        return status, code, "application/xml", b"" if method == "HEAD" else _xml(body)
    if service == "ec2":
        code, status = refusal.ec2
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
        return status, code, "text/xml", _xml(body)
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        code, status = refusal.query
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return status, code, "text/xml", _xml(body)
    code, status = refusal.json
    return status, code, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": refusal.message}).encode()


def _xml(body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()
