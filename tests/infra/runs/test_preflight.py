"""Tests of infra/runs/preflight.py: photos are counted as the job will list them."""

import pytest

from infra.aws.client import Aws
from infra.errors import RunRefusedError
from infra.runs.preflight import PhotosFound, require_photos


@pytest.mark.parametrize(
    ("folder", "count"), [("", 3), ("/", 3), ("/fruits", 2), ("/fruits/", 2), ("/fruits/pear", 1), ("/.hidden", 1)]
)
def test_photos_of_a_folder_or_of_a_whole_bucket_are_counted_but_for_those_that_a_dot_hides(
    aws: Aws, bucket: str, folder: str, count: int
) -> None:
    for key in ("fruits/apple/1.jpg", "fruits/pear/2.PNG", "3.webp", "fruits/apple/._1.jpg", ".hidden/4.jpg", "a.txt"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"12345")

    assert require_photos(aws, f"s3://{bucket}{folder}") == PhotosFound(count, 5 * count)


def test_a_bucket_without_photos_is_refused_with_what_uploads_them(aws: Aws, bucket: str) -> None:
    with pytest.raises(RunRefusedError) as raised:
        require_photos(aws, f"s3://{bucket}")

    assert raised.value.message == f"There are no photos in s3://{bucket}."
    assert raised.value.hint == "Upload them: orchard upload DIR --to SET"
