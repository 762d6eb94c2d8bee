"""What becomes of wrong answers of S3: asked again, set aside with the reason, or the task fails in a sentence."""

import time
from collections.abc import Callable

import boto3
import pytest

from job import storage
from job.errors import RunFailedError, TryAgainError
from job.images import RejectedPhotoError, prefetch, read_ahead
from job.storage import filesystem, retry
from tests import faulty_s3
from tests.faults.conftest import spoiling
from tests.faulty_s3 import FaultyS3, Rule

Became = Callable[[str, str], None]

PHOTOS = [f"{number:02d}.jpg" for number in range(8)]


@pytest.fixture
def photos(bucket: str, faulty: FaultyS3) -> list[str]:
    """Return the URIs of eight objects behind the server that fails; each holds its own name, 200 times."""
    assert faulty.endpoint
    client = boto3.client("s3", endpoint_url=faulty.endpoint)
    for name in PHOTOS:
        client.put_object(Bucket=bucket, Key=f"photos/{name}", Body=name.encode() * 200)
    return [f"s3://{bucket}/photos/{name}" for name in PHOTOS]


def read(photos: list[str]) -> dict[str, str]:
    """Return what came of each photo: "whole", or the reason why not."""
    outcomes = {}
    for uri, content in zip(photos, read_ahead(photos), strict=True):
        name = uri.rsplit("/", 1)[1]
        whole = content == name.encode() * 200
        outcomes[name] = "whole" if whole else str(content)
    return outcomes


@pytest.mark.parametrize("fault", [faulty_s3.SLOW_DOWN, faulty_s3.INTERNAL_ERROR, faulty_s3.RESET, faulty_s3.TRUNCATED])
def test_a_photo_that_comes_wrong_twice_is_read_whole(
    photos: list[str], faulty: FaultyS3, fault: str, became: Became
) -> None:
    with spoiling(faulty, Rule(fault, "03.jpg", ("GET",), times=2)):
        outcomes = read(photos)

    assert outcomes == dict.fromkeys(PHOTOS, "whole")
    assert faulty.spoiled[fault] == 2
    became(f"S3: {fault}, twice", "retried with growing pauses: every photo arrives complete")


@pytest.mark.parametrize("fault", [faulty_s3.SLOW_DOWN, faulty_s3.TRUNCATED, faulty_s3.FORBIDDEN])
def test_only_the_photo_that_never_comes_is_rejected(
    photos: list[str], faulty: FaultyS3, fault: str, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)

    with spoiling(faulty, Rule(fault, "03.jpg", ("GET", "HEAD") if fault[0] == "4" else ("GET",))):
        outcomes = read(photos)

    reason = outcomes.pop("03.jpg")
    assert set(outcomes.values()) == {"whole"}
    assert reason.startswith("cannot be read: ")
    # What no second attempt mends is not attempted again
    assert faulty.spoiled[fault] == (1 if fault == faulty_s3.FORBIDDEN else 3)
    became(f"S3: {fault}, always, one photo", "rejected with the reason; all others are used")


def test_photo_removed_after_listing_is_rejected_without_retry(
    photos: list[str], faulty: FaultyS3, became: Became
) -> None:
    with spoiling(faulty, Rule(faulty_s3.NOT_FOUND, "03.jpg")):
        outcomes = read(photos)

    assert "removed" in outcomes["03.jpg"]
    assert outcomes == dict.fromkeys(PHOTOS, "whole") | {"03.jpg": outcomes["03.jpg"]}
    assert faulty.spoiled[faulty_s3.NOT_FOUND] == 1
    became(f"S3: {faulty_s3.NOT_FOUND} for a listed photo", "rejected: removed before it was read")


def test_slow_trickle_is_retried_over_another_connection(
    photos: list[str], faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(prefetch, "LONGEST_READ", 1.0)
    began = time.monotonic()

    with spoiling(faulty, Rule(faulty_s3.TRICKLE, "03.jpg", ("GET",), times=1)):
        outcomes = read(photos)

    assert outcomes == dict.fromkeys(PHOTOS, "whole")
    # The 1,200 bytes alone would have taken 60 seconds
    assert time.monotonic() - began < 20
    became(f"S3: {faulty_s3.TRICKLE}", "retried after a minute (a second in the test): arrives complete")


def test_a_photo_that_only_trickles_is_set_aside_alone(
    photos: list[str], faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(prefetch, "LONGEST_READ", 1.5)

    with spoiling(faulty, Rule(faulty_s3.TRICKLE, "03.jpg", ("GET",))):
        outcomes = read(photos)

    reason = outcomes.pop("03.jpg")
    assert reason.startswith("cannot be read: ")
    assert "1.5 s, 3 times" in reason
    assert set(outcomes.values()) == {"whole"}
    became(f"S3: {faulty_s3.TRICKLE}, always, one photo", "rejected with the reason; all others are used")


@pytest.mark.parametrize(
    ("fault", "code", "exit_code"),
    [
        (faulty_s3.SLOW_DOWN, "ORC-170", 75),
        (faulty_s3.RESET, "ORC-170", 75),
        (faulty_s3.FORBIDDEN, "ORC-166", 1),
    ],
)
def test_storage_that_fails_every_photo_fails_the_task(
    photos: list[str],
    faulty: FaultyS3,
    fault: str,
    code: str,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    became: Became,
) -> None:
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)

    with spoiling(faulty, Rule(fault, "0[3-7].jpg")), pytest.raises(RunFailedError) as raised:
        read(photos)

    assert f"'{photos[5]}'" in raised.value.message
    assert (raised.value.code, raised.value.exit_code) == (code, exit_code)
    became(f"S3: {fault}, always, all photos", f"its tasks fail, and so does the run, with exit code {exit_code}")


@pytest.mark.parametrize("fault", [faulty_s3.SLOW_DOWN, faulty_s3.INTERNAL_ERROR, faulty_s3.RESET, faulty_s3.TRUNCATED])
def test_a_folder_whose_first_listing_fails_is_listed_whole(
    photos: list[str], faulty: FaultyS3, fault: str, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)

    with spoiling(faulty, Rule(fault, "list-type=2", times=2)):
        found = storage.list_files(photos[0].rpartition("/")[0])

    assert sorted(file.inside for file in found) == PHOTOS
    assert faulty.spoiled[fault] == 2
    became(f"S3: {fault} to a listing, twice", "listed again: every photo is found")


def test_listing_that_always_fails_ends_the_run_with_one_error(
    photos: list[str], faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)
    folder = photos[0].rpartition("/")[0]

    with spoiling(faulty, Rule(faulty_s3.SLOW_DOWN, "list-type=2")), pytest.raises(TryAgainError) as raised:
        storage.list_files(folder)

    assert (raised.value.code, f"'{folder}'" in raised.value.message) == ("ORC-170", True)
    assert raised.value.exit_code == 75
    became(f"S3: {faulty_s3.SLOW_DOWN} to a listing, always", "the run fails with exit code 75")


def test_a_result_is_written_though_its_storage_refuses_at_first(
    bucket: str, faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)

    with spoiling(faulty, Rule(faulty_s3.SLOW_DOWN, "result", ("PUT", "POST"), times=2)):
        storage.write_bytes(f"s3://{bucket}/result", b"content")

    assert storage.read_bytes(f"s3://{bucket}/result") == b"content"
    assert faulty.spoiled[faulty_s3.SLOW_DOWN] == 2
    became(f"S3: {faulty_s3.SLOW_DOWN} to a result", "written again, complete")


def test_failed_write_of_a_result_is_an_error_and_leaves_nothing(
    bucket: str, faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(filesystem, "S3_ATTEMPTS", 1)

    with (
        spoiling(faulty, Rule(faulty_s3.INTERNAL_ERROR, "result", ("PUT", "POST"))),
        pytest.raises(RunFailedError) as raised,
    ):
        storage.write_bytes(f"s3://{bucket}/result", b"content")

    assert (raised.value.code, f"'s3://{bucket}/result'" in raised.value.message) == ("ORC-162", True)
    assert "Contents" not in boto3.client("s3", endpoint_url=faulty.endpoint).list_objects_v2(Bucket=bucket)
    became(f"S3: {faulty_s3.INTERNAL_ERROR} to a result, always", "the write fails with one error; no partial file")


def test_pauses_grow_and_no_two_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)

    def fail() -> None:
        raise OSError("AWS Error SLOW_DOWN during GetObject operation")

    for _ in range(2):
        with pytest.raises(OSError, match="SLOW_DOWN"):
            retry(fail, (2, 8), lambda error: isinstance(error, OSError))

    assert 1 <= paused[0] <= 3
    assert 4 <= paused[1] <= 12
    assert paused[:2] != paused[2:]


def test_reason_of_a_rejected_photo_is_one_line(photos: list[str], faulty: FaultyS3) -> None:
    with spoiling(faulty, Rule(faulty_s3.FORBIDDEN, "03.jpg")):
        content = list(read_ahead(photos))[3]

    assert isinstance(content, RejectedPhotoError)
    assert "\n" not in str(content)
