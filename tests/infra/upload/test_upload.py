"""Tests of infra/upload/upload.py and uploader.py: what arrives, what is sent again, and what a failure does."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from infra.aws.client import ATTEMPTS, Aws
from infra.errors import TryAgainError, WrongUseError
from infra.upload import upload as module
from infra.upload.photo_folder import LocalFile, walk
from infra.upload.upload import Result, upload
from infra.upload.uploader import PART, Kept, Outcome, Sender, content_type, etag
from tests.infra.s3_server import DROP, FakeS3

HARD_NAMES = ["red apple/a b.jpg", "apple/100%.jpg", "apple/a+b&c=d?.jpg", "pomme/été 🍎.jpg", "apple/%20.jpg"]


def write(folder: Path, names: list[str], content: Callable[[str], bytes] = str.encode) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(name))
    return folder


class Waits:
    """A sleep that only counts."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


def send(folder: Path, waits: Waits, bucket: str = "data") -> Result:
    seen: list[Outcome] = []
    result = upload(Sender(Aws("eu-west-1"), bucket, "images/set/", waits), walk(folder), seen.append)
    assert len(seen) == result.sent + result.already + len(result.failures)
    return result


def test_every_file_arrives_under_its_exact_name(bucket: str, tmp_path: Path, waits: Waits) -> None:
    """Given an S3 that is not ours (moto), when a folder is sent, then names, contents and types are kept."""
    write(tmp_path, HARD_NAMES)

    result = send(tmp_path, waits, bucket)

    client = boto3.client("s3")
    assert (result.sent, result.already, result.failures) == (len(HARD_NAMES), 0, [])
    for name in HARD_NAMES:
        found = client.get_object(Bucket=bucket, Key=f"images/set/{name}")
        assert found["Body"].read() == name.encode()
        assert found["ContentType"] == "image/jpeg"


def test_the_second_upload_sends_nothing(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    fake_s3.page = 7
    write(tmp_path, [f"label {number % 3}/{number}.jpg" for number in range(60)] + HARD_NAMES)

    first = send(tmp_path, waits)
    second = send(tmp_path, waits)

    assert (first.sent, first.already) == (65, 0)
    assert (second.sent, second.already, second.extra) == (0, 65, 0)
    assert len(fake_s3.puts) == 65
    assert waits.seconds == []


def test_only_what_is_missing_or_changed_is_sent_again(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    """Given one object gone, one file of another size, one of the same size and other content; others untouched."""
    write(tmp_path, [f"apple/{number}.jpg" for number in range(8)])
    send(tmp_path, waits)
    fake_s3.puts.clear()
    del fake_s3.objects["images/set/apple/1.jpg"]
    (tmp_path / "apple" / "2.jpg").write_bytes(b"another size")
    (tmp_path / "apple" / "3.jpg").write_bytes(b"APPLE/3.jpg")

    result = send(tmp_path, waits)

    assert sorted(fake_s3.puts) == [f"images/set/apple/{number}.jpg" for number in (1, 2, 3)]
    assert (result.sent, result.already) == (3, 5)
    assert fake_s3.objects["images/set/apple/3.jpg"] == b"APPLE/3.jpg"


def test_objects_without_a_file_stay_and_are_counted(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    write(tmp_path, ["b.jpg", "d.jpg"])
    for name in ("a.jpg", "c.jpg", "e.jpg"):
        fake_s3.objects[f"images/set/{name}"] = b"older"
    fake_s3.objects["images/set2/b.jpg"] = b"another set"

    result = send(tmp_path, waits)

    assert (result.sent, result.extra) == (2, 3)
    assert len(fake_s3.objects) == 6


@pytest.mark.parametrize("failure", [(503, "SlowDown"), (500, "InternalError"), (400, "RequestTimeout"), (DROP, "")])
def test_a_failure_of_a_moment_is_waited_for(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, failure: tuple[int, str]
) -> None:
    write(tmp_path, ["apple/1.jpg", "apple/2.jpg"])
    fake_s3.failures["images/set/apple/1.jpg"] = [failure] * 3

    result = send(tmp_path, waits)

    assert (result.sent, result.failures) == (2, [])
    assert len(waits.seconds) == 3
    assert 0.125 <= waits.seconds[0] <= 0.25 <= waits.seconds[1] <= 0.5 <= waits.seconds[2] <= 1


def test_a_file_that_keeps_failing_is_listed_and_the_others_arrive(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits
) -> None:
    write(tmp_path, [f"apple/{number}.jpg" for number in range(20)])
    fake_s3.failures["images/set/apple/7.jpg"] = [(500, "InternalError")] * 100

    result = send(tmp_path, waits)

    assert result.sent == 19
    assert result.failures == ["Could not send 'apple/7.jpg': AWS failed (InternalError), 8 attempts long."]
    assert fake_s3.puts.count("images/set/apple/7.jpg") == ATTEMPTS


def test_files_that_cannot_be_sent_are_listed_with_the_reason(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    """Given a link to nothing, a name too long and a name that is no UTF-8, then each is said, and others arrive."""
    folders = "/".join(["f" * 200] * 5)
    write(tmp_path, ["good.jpg", f"{folders}/{'n' * 50}.jpg"])
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nothing")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xe9.jpg")).write_bytes(b"content")

    result = send(tmp_path, waits)

    assert list(fake_s3.objects) == ["images/set/good.jpg"]
    assert sorted(result.failures) == [
        "Could not send 'broken.jpg': the file cannot be read (No such file or directory).",
        f"Could not send '{folders}/{'n' * 50}.jpg': its name is 46 bytes longer than S3 allows; rename it.",
        "Could not send 'latin-?.jpg': its name is no valid UTF-8, which S3 asks for; rename it.",
    ]


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((403, "AccessDenied"), "PutObject is not allowed. told by the test"),
        ((400, "ExpiredToken"), "the AWS credentials have expired."),
        ((403, "SignatureDoesNotMatch"), "AWS does not accept the credentials (SignatureDoesNotMatch)."),
        ((301, "PermanentRedirect"), "it is in another region (PermanentRedirect)."),
    ],
)
def test_a_refusal_ends_the_upload_at_once(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, refusal: tuple[int, str], message: str
) -> None:
    """Given what is wrong for every file, then nobody waits for 1,000 of them to be refused."""
    write(tmp_path, ["apple/1.jpg"])
    fake_s3.failures["*"] = [refusal]

    with pytest.raises(WrongUseError) as raised:
        send(tmp_path, waits)

    assert raised.value.message == f"Could not send 'apple/1.jpg': {message}"
    assert "very-secret" not in str(raised.value)


def test_an_s3_that_is_down_ends_the_upload_soon(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "THREADS", 4)
    write(tmp_path, [f"apple/{number:03d}.jpg" for number in range(100)])
    fake_s3.failures["*"] = [(503, "ServiceUnavailable")]

    with pytest.raises(TryAgainError) as raised:
        send(tmp_path, waits)

    assert raised.value.message.startswith("The upload was given up after 4 failures in a row. Could not send 'apple/0")
    assert raised.value.message.endswith(".jpg': AWS failed (ServiceUnavailable), 8 attempts long.")
    assert raised.value.hint == "Type the same command again later."
    assert len(fake_s3.puts) < 100 * ATTEMPTS


def test_a_listing_that_fails_for_a_moment_is_asked_for_again(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    fake_s3.page = 2
    write(tmp_path, [f"{number}.jpg" for number in range(5)])
    send(tmp_path, waits)
    fake_s3.list_failures = [(503, "SlowDown"), (500, "InternalError")]

    assert send(tmp_path, waits).already == 5
    assert len(waits.seconds) == 2


def test_a_set_that_may_not_be_listed_is_said(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    write(tmp_path, ["1.jpg"])
    fake_s3.list_failures = [(403, "AccessDenied")]

    with pytest.raises(WrongUseError) as raised:
        send(tmp_path, waits)

    assert raised.value.message == (
        "Could not list s3://data/images/set/: ListObjectsV2 is not allowed. told by the test"
    )


def test_without_credentials_nothing_is_tried(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)

    with pytest.raises(WrongUseError) as raised:
        send(write(tmp_path, ["1.jpg"]), waits)

    assert raised.value.message == "Could not send to s3://data/images/set/: there are no AWS credentials."
    assert fake_s3.puts == []


def test_a_large_file_is_sent_in_parts_and_known_again(bucket: str, tmp_path: Path, waits: Waits) -> None:
    """Given files above the quick way's size and above one part's, then the second upload sends neither."""
    write(tmp_path, ["one-put.jpg"], lambda _: os.urandom(2 * 2**20))
    write(tmp_path, ["parts.jpg"], lambda _: os.urandom(PART + 1000))

    first, second = send(tmp_path, waits, bucket), send(tmp_path, waits, bucket)

    assert (first.sent, second.sent, second.already) == (2, 0, 2)
    kept = boto3.client("s3").head_object(Bucket=bucket, Key="images/set/parts.jpg")
    assert kept["ETag"].strip('"') == etag(str(tmp_path / "parts.jpg"), kept["ETag"])
    assert kept["ETag"].endswith('-2"')
    (tmp_path / "parts.jpg").write_bytes(os.urandom(PART + 1000))
    assert send(tmp_path, waits, bucket).sent == 1


def test_interrupted_the_upload_stops_and_the_next_one_goes_on(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    """Given Ctrl-C after ten files, then no thread goes on, and the second call sends the others, each once."""
    write(tmp_path, [f"{number:04d}.jpg" for number in range(500)])
    seen: list[Outcome] = []

    def interrupt(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upload(Sender(Aws("eu-west-1"), "data", "images/set/", waits), walk(tmp_path), interrupt)
    arrived = len(fake_s3.objects)
    working = [thread for thread in threading.enumerate() if "(_work)" in thread.name]
    result = send(tmp_path, waits)

    assert arrived < 500
    assert working == []
    assert (result.sent, result.already) == (500 - arrived, arrived)
    assert sorted(fake_s3.puts) == sorted(fake_s3.objects)


@pytest.mark.usefixtures("fake_s3")
def test_files_are_taken_from_the_folder_only_as_fast_as_they_are_sent(waits: Waits) -> None:
    """Given a folder without end, when only some files are done, then not many more were taken: memory stays flat."""
    taken = done = ahead = 0

    def endless() -> Iterator[LocalFile]:
        nonlocal taken, ahead
        while taken < 3000:
            taken += 1
            ahead = max(ahead, taken - done)
            yield LocalFile(f"{taken:06d}.jpg", os.devnull, 0)

    class Nobody(Sender):
        def bring(self, file: LocalFile, kept: Kept | None) -> Outcome:
            assert kept is None
            return Outcome(file, sent=True)

    def count(_: Outcome) -> None:
        nonlocal done
        done += 1

    upload(Nobody(Aws("eu-west-1"), "data", "images/set/", waits), endless(), count)

    assert (taken, done) == (3000, 3000)
    assert ahead <= 4 * module.THREADS


def test_what_nobody_thought_of_is_a_failure_of_that_file_alone(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ["1.jpg", "2.jpg"])
    original = Sender._send

    def stumble(self: Sender, key: str, file: LocalFile) -> None:
        if file.inside == "1.jpg":
            raise ZeroDivisionError("unthought-of")
        original(self, key, file)

    monkeypatch.setattr(Sender, "_send", stumble)

    result = send(tmp_path, waits)

    assert result.failures == ["Could not send '1.jpg': unthought-of"]
    assert list(fake_s3.objects) == ["images/set/2.jpg"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.JPG", "image/jpeg"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.bmp", "image/bmp"),
        ("labels.csv", "text/csv"),
        ("folder.d/no ending", "application/octet-stream"),
    ],
)
def test_an_objects_type_comes_from_its_name(name: str, kind: str) -> None:
    assert content_type(name) == kind
