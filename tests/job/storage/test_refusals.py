"""Tests of what a storage's refusals become, with answers as S3 gives them and the real client."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from job import storage
from job.errors import StorageRefusedError
from tests.serving import serving


@contextmanager
def s3_that_answers(status: int, code: str, region: str = "") -> Iterator[str]:
    """Serve one error to every request on a free port of this machine; yields the address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode()
            self.send_response(status)
            if region:
                self.send_header("x-amz-bucket-region", region)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Answer)) as address:
        yield address


@pytest.mark.parametrize(
    ("status", "code", "region", "fix"),
    [
        (301, "PermanentRedirect", "eu-west-1", "export AWS_REGION=eu-west-1"),
        (400, "AuthorizationHeaderMalformed", "eu-west-1", "export AWS_REGION=eu-west-1"),
        (403, "AccessDenied", "", "s3:ListBucket and s3:GetObject"),
    ],
)
def test_refused_folder_names_cause_and_fix(
    status: int, code: str, region: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    with s3_that_answers(status, code, region) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(StorageRefusedError) as raised:
            storage.list_files(f"s3://bucket-{code.lower()}/photos")

    assert fix in raised.value.hint
    assert raised.value.exit_code == 1
