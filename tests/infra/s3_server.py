"""A small stateful S3 on the loopback that fails as it is told to, for what moto cannot do."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.serving import serving

DROP = 0
"""In place of a status: the connection is closed without an answer."""


@dataclass
class FakeS3:
    """One bucket.

    Parameters
    ----------
    objects
        Content by key.
    failures
        What a key's next PUTs are answered with, in turn: status and code; a key of "*" is for all, for ever.
    list_failures
        The same for listings.
    page
        Keys a listing holds at most.
    puts
        Keys in the order of PUT requests that came.
    """

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    failures: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    list_failures: list[tuple[int, str]] = field(default_factory=list)
    page: int = 1000
    puts: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def failure_of(self, key: str) -> tuple[int, str] | None:
        """Return what this PUT is to be answered with, if it is to fail."""
        with self.lock:
            self.puts.append(key)
            if self.failures.get("*"):
                return self.failures["*"][0]
            waiting = self.failures.get(key)
            return waiting.pop(0) if waiting else None

    def listing(self, prefix: str, after: str) -> str:
        """Return one page of ListObjectsV2."""
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown = keys[: self.page]
        rows = "".join(
            f"<Contents><Key>{quote(key)}</Key><Size>{len(self.objects[key])}</Size>"
            f'<ETag>"{hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest()}"</ETag></Contents>'
            for key in shown
        )
        more = len(keys) > self.page
        token = f"<NextContinuationToken>{quote(shown[-1])}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{rows}</ListBucketResult>"
        )


@contextmanager
def running() -> Iterator[FakeS3]:
    """Run a server while the block runs."""
    fake = FakeS3()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            _, _, key = unquote(urlsplit(self.path).path)[1:].partition("/")
            content = self.rfile.read(int(self.headers["Content-Length"]))
            failure = fake.failure_of(key)
            if failure is None:
                with fake.lock:
                    fake.objects[key] = content
                    fake.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.answer(failure, "")

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            after = unquote(asked.get("continuation-token", [""])[0])
            failure = fake.list_failures.pop(0) if fake.list_failures else None
            self.answer(failure, fake.listing(asked.get("prefix", [""])[0], after))

        def answer(self, failure: tuple[int, str] | None, body: str) -> None:
            status, code = failure or (200, "")
            if status == DROP:
                self.close_connection = True
                return
            told = f"<Error><Code>{code}</Code><Message>told by the test</Message></Error>" if failure else body
            self.send_response(status)
            self.send_header("Content-Length", str(len(told.encode())))
            self.end_headers()
            self.wfile.write(told.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # All threads of an upload connect at once; the default of five would turn most of them away.
        request_queue_size = 256

    with serving(Server(("127.0.0.1", 0), Handler)) as fake.endpoint:
        yield fake
