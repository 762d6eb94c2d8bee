"""One local cloud: moto's services with patches, our own CloudFormation engine, and the runner of EMR's steps."""

import logging
import os
import socket
import threading
from functools import cache
from pathlib import Path

from moto.cloudformation import urls as cloudformation_urls
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from localcloud.clients import client
from localcloud.cloudformation.api import CloudFormationResponse
from localcloud.cloudformation.resources import RESOURCE_TYPES
from localcloud.cloudformation.service import CloudFormation
from localcloud.event_source import EventSource
from localcloud.iam.middleware import Application, IamMiddleware, refuse_service
from localcloud.moto_patches import budgets, dispatcher, ec2, emr, events, iam, s3, servicequotas
from localcloud.runtime import Runtime
from localcloud.steps.runner import StepRunner

HOST = "127.0.0.1"

_BACKLOG = 128
"""Connections that may wait to be accepted: an upload opens many at once."""

_SETTINGS = {
    # AWS's managed policies, such as that of EMR's service role.
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    # No machine image is ever started here, and reading 70,000 lines of them takes seconds.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}


class LocalCloud:
    """A cloud reachable from this machine only; one per process, which holds the state of its services."""

    def __init__(self, port: int, folder: Path, runtime: Runtime) -> None:
        self.folder = folder
        self._runtime = runtime
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._runner: StepRunner | None = None
        self._events = EventSource()

    @property
    def endpoint(self) -> str:
        """The value for ``AWS_ENDPOINT_URL``."""
        if self._server is None:
            raise RuntimeError("The local cloud has not been started.")
        return f"http://{HOST}:{self._server.port}"

    def start(self) -> None:
        """Answer requests, and run the steps of clusters."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.environ.update(_SETTINGS)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        for patch in (budgets, dispatcher, ec2, emr, events, iam, s3, servicequotas):
            patch.apply(setattr)
        CloudFormationResponse.cloudformation = CloudFormation(
            RESOURCE_TYPES, cache(lambda service, region: client(service, self.endpoint, region, attempts=1))
        )
        cloudformation_urls.url_paths = {"{0}/$": CloudFormationResponse.dispatch}
        application = IamMiddleware(DomainDispatcherApplication(_application_of))  # type: ignore[arg-type]
        # Bind the port here: werkzeug would exit instead of raising if it is in use.
        with _listening(self._port) as listening:
            self._server = make_server(
                HOST,
                listening.getsockname()[1],
                application,
                threaded=True,
                request_handler=MotoRequestHandler,
                fd=listening.fileno(),
            )
        self._thread = threading.Thread(target=self._server.serve_forever, name="local-cloud", daemon=True)
        self._thread.start()
        self._runner = StepRunner(self.endpoint, self.folder / "clusters", self._runtime)
        self._runner.start()
        self._events.start()

    def stop(self) -> None:
        """End the running steps, and stop listening."""
        if self._runner is not None:
            self._events.stop()
            self._runner.stop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def _listening(port: int) -> socket.socket:
    """Return a socket that listens on a port, or on any free one if that cannot be taken.

    Whoever looked for a free port earlier could lose it to another program.
    """
    try:
        return socket.create_server((HOST, port), backlog=_BACKLOG)
    except OSError:
        return socket.create_server((HOST, 0), backlog=_BACKLOG)


def _application_of(service: str | None) -> Application:
    """Return the application of a service by moto's name; None is a service that moto does not have."""
    return refuse_service if service is None else create_backend_app(service)  # type: ignore[arg-type]
