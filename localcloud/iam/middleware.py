"""The HTTP layer in front of the services: passes on what the signer may do, and refuses the rest as AWS does."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.test import run_wsgi_app

from localcloud.iam import deletions, principals, refusals, signatures
from localcloud.iam.calls import Call, other_call, s3_call
from localcloud.iam.policies import Action, Policies, allowed
from localcloud.iam.principals import Principal
from localcloud.iam.refusals import Refusal
from localcloud.iam.signatures import Arrived, Signature

Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]

Judged = tuple[Refusal | None, Mapping[str, Refusal]]
"""Why a whole request is refused, None if it is not, and the object keys for which alone it is refused."""

_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""Host names of this machine."""

_ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Actions that no policy can deny."""


class IamMiddleware:
    """A WSGI application that passes on allowed requests only."""

    def __init__(self, services: Application) -> None:
        self._services = services

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = arrived(environ)
        service = "s3"
        denied: Mapping[str, Refusal] = {}
        try:
            signature = signatures.read(request)
            service = "s3" if signature is None else signature.service
            if not _may_be_large(request, service):
                request = replace(request, body=_body(environ))
            refusal = _refusal_of_page(request)
            if refusal is None:
                refusal, denied = _anonymous(request) if signature is None else _judged(request, signature)
        except (ValueError, LookupError):
            refusal = refusals.NOT_UNDERSTOOD
        if refusal is None and denied:
            return self._delete_others(environ, start_response, request, denied)
        if refusal is None:
            return self._services(environ, start_response)
        return refused(refusal, service, request, start_response)

    def _delete_others(
        self, environ: WSGIEnvironment, start_response: StartResponse, request: Arrived, denied: Mapping[str, Refusal]
    ) -> Iterable[bytes]:
        """Delete the allowed objects, and report the denied ones."""
        left = deletions.without(request.body, denied)
        status, headers, answer = "200 OK", [("Content-Type", "application/xml")], b""
        if left is not None:
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(left), str(len(left))
            parts, status, found = run_wsgi_app(self._services, environ, buffered=True)
            answer = b"".join(parts)
            headers = [(name, value) for name, value in found if name.lower() != "content-length"]
        if status.startswith("200"):
            answer = deletions.with_errors(answer, {key: refusal.message for key, refusal in denied.items()})
        start_response(status, [*headers, ("Content-Length", str(len(answer)))])
        return [answer]


def arrived(environ: WSGIEnvironment) -> Arrived:
    """Return a request whose body has not been read yet."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    path, _, query = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")
    return Arrived(environ["REQUEST_METHOD"], path, query, headers, b"")


def refused(refusal: Refusal, service: str, request: Arrived, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request with a refusal, as its service would."""
    status, code, kind, body = refusals.written(refusal, service, request.method, request.headers)
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amzn-ErrorType", code)]
    start_response(f"{status} {code}", headers)
    return [body]


def refuse_service(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Refuse a request to a service that is not modelled; clients would retry moto's 500."""
    request = arrived(environ)
    signature = signatures.read(request)
    service = "" if signature is None else signature.service
    return refused(refusals.not_modelled(service), service, request, start_response)


def _refusal_of_page(request: Arrived) -> Refusal | None:
    """Refuse a request that a web page makes a browser on this machine send; return None for any other.

    The administrator's key is public, so any page could sign with it and start a cluster whose steps run here. A
    browser names the page in ``Origin`` or ``Sec-Fetch-Site``; DNS rebinding shows in the ``Host`` header.
    """
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    elsewhere = name not in _OWN_NAMES and not name.endswith(".localhost")
    page = "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none"
    return refusals.FROM_A_PAGE if elsewhere or page else None


def _judged(request: Arrived, signature: Signature) -> Judged:
    """Return why a signed request, or parts of it, is refused."""
    principal = principals.find(signature.key)
    if principal is None:
        return refusals.UNKNOWN_KEY, {}
    refusal = _not_genuine(request, signature, principal)
    if refusal is not None or principal.unrestricted:
        return refusal, {}
    if signature.service == "s3":
        call = s3_call(request)
    else:
        call = other_call(request, signature.service, signature.region, principal.account)
    return _denied(call, principal.policies, principal.arn, _context(principal))


def _not_genuine(request: Arrived, signature: Signature, principal: Principal) -> Refusal | None:
    """Return why a signature is not valid, None if it is."""
    if principal.expired:
        return refusals.EXPIRED
    if signature.token != principal.token:
        return refusals.WRONG_TOKEN
    if not signatures.right(request, signature, principal.secret):
        return refusals.WRONG_SIGNATURE
    return refusals.ADDRESS_EXPIRED if signature.expired else None


def _anonymous(request: Arrived) -> Judged:
    """Return why an unsigned request is refused; only a bucket's policy can allow one."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return refusals.NOT_SIGNED, {}
    return _denied(s3_call(request), Policies(frozenset(), ()), "anonymous", _CONNECTION)


def _denied(call: Call, policies: Policies, arn: str, context: dict[str, list[str]]) -> Judged:
    if call.bucket is not None:
        policies = replace(policies, resource=principals.bucket_policies(call.bucket))

    def refusal(action: Action) -> Refusal | None:
        asked = Action(action.name, action.resource, {**context, **action.context})
        if action.name in _ALWAYS_ALLOWED or allowed(asked, policies):
            return None
        return refusals.access_denied(arn, action.name, action.resource)

    if call.each:
        judged = {key: refusal(action) for key, action in call.each.items()}
        return None, {key: found for key, found in judged.items() if found is not None}
    return next(filter(None, map(refusal, call.actions)), None), {}


_CONNECTION = {
    # The connection never leaves this machine and represents one to AWS, so it counts as encrypted.
    "aws:securetransport": ["true"],
    "s3:tlsversion": ["1.3"],
    "aws:sourceip": ["127.0.0.1"],
    "aws:viaawsservice": ["false"],
}


def _context(principal: Principal) -> dict[str, list[str]]:
    account = [principal.account]
    accounts = {"aws:principalaccount": account, "aws:resourceaccount": account, "s3:resourceaccount": account}
    return {**_CONNECTION, **accounts, **principal.context}


def _may_be_large(request: Arrived, service: str) -> bool:
    """Tell whether a body may be a large object, which need not be read: a signed header states its hash.

    Some clients, such as the SDK for JavaScript, state the hash of every body; those of other services name the
    operation and must be read.
    """
    return service == "s3" and "x-amz-content-sha256" in request.headers and not request.query.startswith("delete")


def _body(environ: WSGIEnvironment) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    stream: Any = environ["wsgi.input"]
    body: bytes = stream.read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body
