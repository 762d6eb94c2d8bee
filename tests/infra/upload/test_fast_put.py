"""Tests of infra/upload/fast_put.py: its signatures are botocore's, and its answers yes or no."""

import socket
import threading
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from infra.aws.client import Aws
from infra.upload import fast_put as module
from infra.upload.fast_put import Place, QuickPut, find_place, headers, quick_put
from tests.infra.s3_server import DROP, FakeS3

NOW = 1_790_000_000.0
NAMES = ["apple/1.jpg", "red apple/a b.jpg", "100%.jpg", "a+b&c=d?e#f~g.jpg", "pomme/été 🍎.jpg", "('quoted')!*.jpg"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("token", [None, "session-token"])
def test_a_signature_is_the_one_that_botocore_computes(
    name: str, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the same request at the same moment, when both sign it, then the signatures are equal."""
    place = Place("https", "data.s3.eu-west-1.amazonaws.com", "/", "eu-west-1")
    path = place.base + quote(f"images/set/{name}")
    credentials = ReadOnlyCredentials("AKID", "secret", token)
    request = AWSRequest("PUT", f"https://{place.host}{path}", data=b"content", headers={"Content-Type": "image/jpeg"})
    request.context["payload_signing_enabled"] = True
    monkeypatch.setattr(auth, "get_current_datetime", lambda **_: datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None))
    S3SigV4Auth(Credentials("AKID", "secret", token), "s3", "eu-west-1").add_auth(request)

    ours = headers(place, path, b"content", "image/jpeg", credentials, NOW)

    assert ours["authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "data.s3.eu-west-1.amazonaws.com"),
        ("us-east-1", "data.s3.amazonaws.com"),
        ("cn-north-1", "data.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_bucket_is_where_boto3_would_look_for_it(region: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    assert find_place(Aws(region).client("s3", attempts=1), "data") == Place("https", host, "/", region)


def test_a_bucket_whose_name_has_dots_is_in_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    place = find_place(Aws("eu-west-1").client("s3", attempts=1), "my.data")

    assert place == Place("https", "s3.eu-west-1.amazonaws.com", "/my.data/", "eu-west-1")


def test_through_a_proxy_only_boto3_knows_the_way(fake_s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws("eu-west-1")
    client = aws.client("s3", attempts=1)
    assert quick_put(aws, client, "data") is not None

    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")

    assert quick_put(aws, client, "data") is None
    assert fake_s3.puts == []


def made() -> QuickPut:
    aws = Aws("eu-west-1")
    quick = quick_put(aws, aws.client("s3", attempts=1), "data")
    assert quick is not None
    return quick


@pytest.mark.parametrize("name", NAMES)
def test_an_object_arrives_under_its_exact_name(fake_s3: FakeS3, name: str) -> None:
    assert made().put(name, b"content", "image/jpeg")

    assert fake_s3.objects == {name: b"content"}
    assert fake_s3.headers[0]["content-type"] == "image/jpeg"


@pytest.mark.parametrize("failure", [(503, "SlowDown"), (500, "InternalError"), (403, "ExpiredToken"), (DROP, "")])
def test_whatever_is_not_success_is_a_no(fake_s3: FakeS3, failure: tuple[int, str]) -> None:
    fake_s3.failures["apple.jpg"] = [failure]

    assert not made().put("apple.jpg", b"content", "image/jpeg")


def test_reconnects_after_s3_closed_the_connection(fake_s3: FakeS3) -> None:
    """Given a connection that was used, when S3 closes it, then the next object still arrives."""
    quick = made()
    fake_s3.failures["second.jpg"] = [(DROP, "")]

    assert quick.put("first.jpg", b"1", "image/jpeg")
    assert quick.put("second.jpg", b"2", "image/jpeg")

    assert fake_s3.objects == {"first.jpg": b"1", "second.jpg": b"2"}


def test_a_server_that_is_not_there_is_a_no() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quick = QuickPut(Place("http", f"127.0.0.1:{port}", "/", "eu-west-1"), Credentials("A", "s"), "")

    assert not quick.put("apple.jpg", b"content", "image/jpeg")


def test_a_server_that_does_not_answer_in_time_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_FOR_AN_ANSWER", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = Place("http", f"127.0.0.1:{server.getsockname()[1]}", "/", "eu-west-1")

        assert not QuickPut(place, Credentials("A", "s"), "").put("apple.jpg", b"content", "image/jpeg")


def test_a_server_that_is_no_s3_is_a_no() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        quick = QuickPut(Place("http", host, "/", "eu-west-1"), Credentials("A", "s"), "")

        assert not quick.put("apple.jpg", b"content", "image/jpeg")
        thread.join()
