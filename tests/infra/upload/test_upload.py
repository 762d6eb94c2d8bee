"""Tests of infra/upload/image_set.py and uploader.py: what arrives, what is sent again, and what a failure does."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from infra.aws.client import ATTEMPTS, Aws
from infra.errors import NotAllowedError, SignInError, UploadGivenUpError, WrongUseError
from infra.upload import image_set as module
from infra.upload.image_set import Result, upload
from infra.upload.photo_folder import PART, LocalFile, ToSend, walk
from infra.upload.uploader import Outcome, StoredObject, Uploader, content_type, etag
from job.errors import TryAgainError
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
    result = upload(Uploader(Aws("eu-west-1"), bucket, "images/set/", waits), walk(folder), seen.append)
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
def test_waits_for_a_failure_to_pass(fake_s3: FakeS3, tmp_path: Path, waits: Waits, failure: tuple[int, str]) -> None:
    write(tmp_path, ["apple/1.jpg", "apple/2.jpg"])
    fake_s3.failures["images/set/apple/1.jpg"] = [failure] * 3

    result = send(tmp_path, waits)

    assert (result.sent, result.failures) == (2, [])
    assert len(waits.seconds) == 3
    # The first pause follows the quick way's failure; the others are drawn around 0.5 and 1 s
    assert waits.seconds[0] == 0.25
    assert 0.25 <= waits.seconds[1] <= 0.75
    assert 0.5 <= waits.seconds[2] <= 1.5


def test_lists_a_file_that_keeps_failing_and_sends_the_others(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    write(tmp_path, [f"apple/{number}.jpg" for number in range(20)])
    fake_s3.failures["images/set/apple/7.jpg"] = [(500, "InternalError")] * 100

    result = send(tmp_path, waits)

    assert result.sent == 19
    assert len(result.failures) == 1
    assert "'apple/7.jpg'" in result.failures[0]
    assert "InternalError" in result.failures[0]
    assert fake_s3.puts.count("images/set/apple/7.jpg") == ATTEMPTS


def test_lists_files_that_cannot_be_sent_with_the_reason(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    """Given a link to nothing, a name too long and a name that is no UTF-8, then each is said, and others arrive."""
    folders = "/".join(["f" * 200] * 5)
    write(tmp_path, ["good.jpg", f"{folders}/{'n' * 50}.jpg"])
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nothing")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xe9.jpg")).write_bytes(b"content")

    result = send(tmp_path, waits)

    assert list(fake_s3.objects) == ["images/set/good.jpg"]
    broken, too_long, not_utf8 = sorted(result.failures)
    assert "'broken.jpg'" in broken
    assert os.strerror(errno.ENOENT) in broken
    assert f"'{folders}/{'n' * 50}.jpg'" in too_long
    assert " 46 bytes " in too_long
    assert "'latin-?.jpg'" in not_utf8


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ((403, "AccessDenied"), "ORC-301"),
        ((400, "ExpiredToken"), "ORC-300"),
        ((403, "SignatureDoesNotMatch"), "ORC-300"),
        ((301, "PermanentRedirect"), "ORC-304"),
    ],
)
def test_a_refusal_ends_the_upload_at_once(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, refusal: tuple[int, str], code: str
) -> None:
    """Given what is wrong for every file, then the upload does not wait for 1,000 of them to be refused."""
    write(tmp_path, ["apple/1.jpg"])
    fake_s3.failures["*"] = [refusal]

    with pytest.raises(WrongUseError) as raised:
        send(tmp_path, waits)

    assert raised.value.code == code
    assert "'apple/1.jpg'" in raised.value.message
    assert "very-secret" not in str(raised.value)


def test_gives_up_soon_while_s3_is_down(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "THREADS", 4)
    write(tmp_path, [f"apple/{number:03d}.jpg" for number in range(100)])
    fake_s3.failures["*"] = [(503, "ServiceUnavailable")]

    with pytest.raises(UploadGivenUpError) as raised:
        send(tmp_path, waits)

    assert isinstance(raised.value, TryAgainError)
    assert raised.value.exit_code == 75
    assert " 4 failures " in raised.value.message
    assert "(ServiceUnavailable)" in raised.value.message
    assert len(fake_s3.puts) < 100 * ATTEMPTS


def test_repeats_a_listing_that_fails_for_a_moment(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    fake_s3.page = 2
    write(tmp_path, [f"{number}.jpg" for number in range(5)])
    send(tmp_path, waits)
    fake_s3.list_failures = [(503, "SlowDown"), (500, "InternalError")]

    assert send(tmp_path, waits).already == 5
    assert len(waits.seconds) == 2


def test_names_a_set_that_may_not_be_listed(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    write(tmp_path, ["1.jpg"])
    fake_s3.list_failures = [(403, "AccessDenied")]

    with pytest.raises(NotAllowedError) as raised:
        send(tmp_path, waits)

    assert "s3://data/images/set/" in raised.value.message


def test_without_credentials_nothing_is_tried(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)

    with pytest.raises(SignInError):
        send(write(tmp_path, ["1.jpg"]), waits)

    assert fake_s3.puts == []


def test_a_large_file_is_sent_in_parts_and_known_again(bucket: str, tmp_path: Path, waits: Waits) -> None:
    """Given files above the quick way's size and above one part's, then the second upload sends neither."""
    write(tmp_path, ["one-put.jpg"], lambda _: os.urandom(2 * 2**20))
    write(tmp_path, ["parts.jpg"], lambda _: os.urandom(PART + 1000))

    first, second = send(tmp_path, waits, bucket), send(tmp_path, waits, bucket)

    assert (first.sent, second.sent, second.already) == (2, 0, 2)
    kept = boto3.client("s3").head_object(Bucket=bucket, Key="images/set/parts.jpg")
    with (tmp_path / "parts.jpg").open("rb") as stream:
        assert kept["ETag"].strip('"') == etag(stream, kept["ETag"])
    assert kept["ETag"].endswith('-2"')
    (tmp_path / "parts.jpg").write_bytes(os.urandom(PART + 1000))
    assert send(tmp_path, waits, bucket).sent == 1


def test_continues_an_interrupted_upload(fake_s3: FakeS3, tmp_path: Path, waits: Waits) -> None:
    """Given Ctrl-C after ten files, then no thread goes on, and the second call sends the others, each once."""
    write(tmp_path, [f"{number:04d}.jpg" for number in range(500)])
    seen: list[Outcome] = []

    def interrupt(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upload(Uploader(Aws("eu-west-1"), "data", "images/set/", waits), walk(tmp_path), interrupt)
    arrived = len(fake_s3.objects)
    working = [thread for thread in threading.enumerate() if "(_work)" in thread.name]
    result = send(tmp_path, waits)

    assert arrived < 500
    assert working == []
    assert (result.sent, result.already) == (500 - arrived, arrived)
    assert sorted(fake_s3.puts) == sorted(fake_s3.objects)


@pytest.mark.usefixtures("fake_s3")
def test_reads_the_folder_only_as_fast_as_it_sends(waits: Waits) -> None:
    """Given a folder without end, when only some files are done, then not many more were taken: memory stays flat."""
    taken = done = ahead = 0

    def endless() -> Iterator[LocalFile]:
        nonlocal taken, ahead
        while taken < 3000:
            taken += 1
            ahead = max(ahead, taken - done)
            yield LocalFile(f"{taken:06d}.jpg", os.devnull, 0)

    class Idle(Uploader):
        def upload(self, file: ToSend, stored: StoredObject | None) -> Outcome:
            assert stored is None
            return Outcome(file, sent=True)

    def count(_: Outcome) -> None:
        nonlocal done
        done += 1

    upload(Idle(Aws("eu-west-1"), "data", "images/set/", waits), endless(), count)

    assert (taken, done) == (3000, 3000)
    assert ahead <= 4 * module.THREADS


def test_an_unexpected_error_fails_one_file_alone(
    fake_s3: FakeS3, tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ["1.jpg", "2.jpg"])
    original = Uploader._send

    def stumble(self: Uploader, key: str, file: LocalFile) -> None:
        if file.inside == "1.jpg":
            raise ZeroDivisionError("unthought-of")
        original(self, key, file)

    monkeypatch.setattr(Uploader, "_send", stumble)

    result = send(tmp_path, waits)

    assert len(result.failures) == 1
    assert "'1.jpg': unthought-of" in result.failures[0]
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
    assert content_type(name.rpartition(".")[2]) == kind
