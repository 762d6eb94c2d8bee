"""Tests of infra/runs/preflight.py: photos are counted as the job will list them."""

import pytest

from infra.aws.client import Aws
from infra.errors import RunRefusedError
from infra.runs.preflight import PhotosFound, check_labels, require_photos
from job import arguments
from job.errors import SplitFoldersError, UsageError


@pytest.mark.parametrize(
    ("folder", "count"), [("", 3), ("/", 3), ("/fruits", 2), ("/fruits/", 2), ("/fruits/pear", 1), ("/.hidden", 1)]
)
def test_counts_the_photos_that_the_job_will_list(aws: Aws, bucket: str, folder: str, count: int) -> None:
    for key in ("fruits/apple/1.jpg", "fruits/pear/2.PNG", "3.webp", "fruits/apple/._1.jpg", ".hidden/4.jpg", "a.txt"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"12345")

    found = require_photos(aws, f"s3://{bucket}{folder}")

    ignored = "Ignored 1 file: 1 .txt." if count == 3 else ""
    assert found == PhotosFound(count, 5 * count, ignored)
    assert len(found.names) == count


def test_refuses_a_bucket_without_photos(aws: Aws, bucket: str) -> None:
    with pytest.raises(RunRefusedError) as raised:
        require_photos(aws, f"s3://{bucket}")

    assert f"s3://{bucket}" in raised.value.message
    assert raised.value.hint.endswith(": orchard upload PATH SET")


def found(*names: str) -> PhotosFound:
    return PhotosFound(len(names), 1, "", names)


def test_refuses_set_with_training_and_test_folders() -> None:
    given = arguments.parse(["--images", "s3://b/images/fruits", "--output", "s3://b/results/r"])

    with pytest.raises(SplitFoldersError) as raised:
        check_labels(given, {"s3://b/images/fruits": found("Training/a/1.jpg", "Test/a/1.jpg")})

    assert raised.value.hint.endswith("--images s3://b/images/fruits/Training --test s3://b/images/fruits/Test")


def test_warns_of_labels_before_a_run_on_the_cluster() -> None:
    given = arguments.parse(["--images", "s3://b/train", "--test", "s3://b/test", "--output", "s3://b/r"])
    photos = {"s3://b/train": found("a/1.jpg", "a/2.jpg"), "s3://b/test": found("A/1.jpg")}

    lines = check_labels(given, photos)

    assert ["'A', 'a'" in lines[0], "'A'" in lines[1], "'a'" in lines[2]] == [True, True, True]
    assert len(lines) == 3


def test_refuses_group_pattern_that_matches_no_photo_in_s3() -> None:
    argv = ["--images", "s3://b/train", "--test", "s3://b/test", "--output", "s3://b/r", "--group-pattern", "^(a)/"]
    photos = {"s3://b/train": found("a/1.jpg", "a/2.jpg"), "s3://b/test": found("b/1.jpg")}

    with pytest.raises(UsageError) as raised:
        check_labels(arguments.parse(argv), photos)

    assert "b/1.jpg" in raised.value.message
