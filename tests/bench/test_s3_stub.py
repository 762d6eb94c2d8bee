"""Tests of bench/s3_stub.py: it is S3 enough to be measured against."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from bench import s3_stub
from bench.running_stub import environment, report, running
from infra.aws.client import Aws
from infra.aws.stacks import data_bucket

NAMES = ["apple/100%.jpg", "apple/a&b <c>.jpg", "pomme/été 🍎.jpg"]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a stub, and point everything that speaks to AWS at it."""
    with running() as endpoint:
        for name, value in environment(endpoint).items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        yield endpoint


def test_what_boto3_puts_it_gets_heads_and_lists(endpoint: str) -> None:
    client = boto3.client("s3")
    for name in NAMES:
        client.put_object(Bucket="data", Key=name, Body=name.encode())

    for name in NAMES:
        assert client.get_object(Bucket="data", Key=name)["Body"].read() == name.encode()
        assert client.head_object(Bucket="data", Key=name)["ContentLength"] == len(name.encode())
    assert [one["Key"] for one in client.list_objects_v2(Bucket="data")["Contents"]] == NAMES
    assert client.list_objects_v2(Bucket="other")["KeyCount"] == 0
    with pytest.raises(ClientError, match="404"):
        client.head_object(Bucket="data", Key="nothing")
    told = report(endpoint)
    assert (told["PUT"], told["objects"]) == (3, 3)
    assert told["processor_seconds"] > 0


@pytest.mark.usefixtures("endpoint")
def test_ranges_are_answered_with_their_part() -> None:
    client = boto3.client("s3")
    client.put_object(Bucket="data", Key="a.tar", Body=b"0123456789")

    for asked, part in [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=8-99", b"89")]:
        answer = client.get_object(Bucket="data", Key="a.tar", Range=asked)
        assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (206, part)


@pytest.mark.usefixtures("endpoint")
def test_a_listing_goes_on_over_several_pages() -> None:
    client = boto3.client("s3")
    keys = [f"set/{number}.jpg" for number in range(5)]
    for key in [*keys, "set2/other.jpg"]:
        client.put_object(Bucket="data", Key=key, Body=b"x")

    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="data", Prefix="set/", PaginationConfig={"PageSize": 2}
    )

    assert [[one["Key"] for one in page["Contents"]] for page in pages] == [keys[:2], keys[2:4], keys[4:]]


@pytest.mark.usefixtures("endpoint")
def test_listing_with_delimiter_returns_common_prefixes() -> None:
    client = boto3.client("s3")
    for key in ["shelf/1.jpg", "shelf/a/2.jpg", "shelf/a/3.jpg", "shelf/b/4.jpg", "shelf/c.jpg", "shelf2/5.jpg"]:
        client.put_object(Bucket="data", Key=key, Body=b"x")

    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="data", Prefix="shelf/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )

    named = [
        [
            *(one["Key"] for one in page.get("Contents", [])),
            *(one["Prefix"] for one in page.get("CommonPrefixes", [])),
        ]
        for page in pages
    ]
    assert named == [["shelf/1.jpg"], ["shelf/a/"], ["shelf/b/"], ["shelf/c.jpg"]]


@pytest.mark.usefixtures("endpoint")
def test_it_names_the_bucket_of_the_stack() -> None:
    assert data_bucket(Aws("eu-west-1")) == "data"


def test_it_keeps_no_more_than_its_limit() -> None:
    store = s3_stub.Store(limit=10)

    assert store.put("b/1", b"12345678") is not None
    assert store.put("b/2", b"123") is None
    assert store.put("b/1", b"1234567890") is not None
