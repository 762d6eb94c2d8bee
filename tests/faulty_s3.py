"""A fake of what goes wrong on the way to S3: it stands before another S3 server and spoils some of its answers.

It is stateful: a rule says which requests it spoils, how, and how many times, and every fault is counted.
"""

import http.client
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from tests.serving import serving

SLOW_DOWN, INTERNAL_ERROR, NOT_FOUND, FORBIDDEN = (
    "503 SlowDown",
    "500 InternalError",
    "404 NoSuchKey",
    "403 AccessDenied",
)
RESET, TRUNCATED, TRICKLE = "connection reset", "truncated body", "slow trickle"

SECONDS_A_BYTE = 0.05
"""Of a trickle: often enough for no client to think that the connection is dead."""


@dataclass
class Rule:
    """Requests to spoil.

    Parameters
    ----------
    fault
        One of the constants of this module.
    path
        A pattern that is sought in the decoded path.
    methods
        Of the requests.
    times
        How many requests are spoiled; None for all.
    share
        Which part of the matching requests, drawn at random.
    """

    fault: str
    path: str = ""
    methods: tuple[str, ...] = ("GET", "HEAD")
    times: int | None = None
    share: float = 1.0


@dataclass
class FaultyS3:
    """The server: its address, what it spoils, and what it has spoiled so far."""

    endpoint: str = ""
    rules: list[Rule] = field(default_factory=list)
    spoiled: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def fault_of(self, method: str, path: str) -> str | None:
        """Return how this request is spoiled, None if it is not."""
        with self.lock:
            for rule in self.rules:
                wanted = method in rule.methods and rule.times != 0 and re.search(rule.path, unquote(path))
                if wanted and self.chance.random() < rule.share:
                    rule.times = None if rule.times is None else rule.times - 1
                    self.spoiled[rule.fault] += 1
                    return rule.fault
        return None


@contextmanager
def before(server: str) -> Iterator[FaultyS3]:
    """Run a faulty server before another one while the block lasts.

    Parameters
    ----------
    server
        Address of the one that works.
    """
    faulty = FaultyS3()
    host = urlsplit(server).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = faulty.fault_of(self.command, self.path)
            if fault == RESET:
                # A connection that is closed with this option set is reset rather than ended.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            elif fault is not None and fault[0].isdigit():
                self.refuse(fault)
            else:
                self.forward(content, fault)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - names of the base class

        def refuse(self, fault: str) -> None:
            status, _, code = fault.partition(" ")
            body = f"<Error><Code>{code}</Code><Message>spoiled</Message></Error>".encode()
            self.send_response(int(status))
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def forward(self, content: bytes, fault: str | None) -> None:
            connection = http.client.HTTPConnection(host, timeout=60)
            try:
                connection.request(self.command, self.path, content, dict(self.headers.items()))
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            self.send_response_only(answer.status)
            passed_over = ("transfer-encoding", "connection", "content-length")
            for name, value in answer.getheaders():
                if name.lower() not in passed_over:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.send_body(body, fault)

        def send_body(self, body: bytes, fault: str | None) -> None:
            if fault == TRUNCATED:
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            elif fault == TRICKLE:
                left = body
                # What nobody waits for any more must not trickle into the next test
                while left and faulty.rules:
                    self.wfile.write(left[:1])
                    self.wfile.flush()
                    left = left[1:]
                    time.sleep(SECONDS_A_BYTE)
                self.wfile.write(left)
            else:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            """Say nothing: clients go away in the middle here."""

    with serving(Server(("127.0.0.1", 0), Handler)) as faulty.endpoint:
        yield faulty
