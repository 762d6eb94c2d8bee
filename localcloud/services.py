"""Answers for each service: moto where it has it, else a refusal that names it.

moto itself answers for a service that it does not have with an error 500 and no word of why, and clients try such an
error again and again, with longer and longer waits.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import create_backend_app

from localcloud.iam import middleware, signatures
from localcloud.iam.middleware import Application
from localcloud.iam.refusals import Refusal


def application_of(service: str | None) -> Application:
    """Return what answers for a service."""
    return _refuse if service is None else create_backend_app(service)  # type: ignore[arg-type]


def not_modelled(service: str) -> Refusal:
    """Return the refusal of a service that nobody models; clients do not try it again."""
    return Refusal(
        ("NotImplemented", 501),
        ("InvalidAction", 400),
        ("UnknownOperationException", 400),
        ("InvalidAction", 400),
        f"The local cloud does not model the service {service}.",
    )


def _refuse(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    request = middleware.arrived(environ)
    signature = signatures.read(request)
    service = "" if signature is None else signature.service
    return middleware.refused(not_modelled(service), service, request, start_response)
