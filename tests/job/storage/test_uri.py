"""Tests of job/storage/uri.py."""

from pathlib import Path

import pytest

from job.errors import AddressError
from job.storage import uri as addresses


@pytest.mark.parametrize(
    ("given", "absolute"),
    [
        ("/photos/", "/photos"),
        ("/elsewhere/../photos", "/photos"),
        ("file:///photos/100%/a b", "/photos/100%/a b"),
        ("file:/photos", "/photos"),
        ("s3://bucket/photos/", "s3://bucket/photos"),
        ("s3://bucket/photos//", "s3://bucket/photos"),
        ("s3a://bucket/photos", "s3://bucket/photos"),
        ("S3://bucket", "s3://bucket"),
        ("abfs://photos@account.dfs.core.windows.net/fruit/", "abfs://photos@account.dfs.core.windows.net/fruit"),
    ],
)
def test_a_uri_means_the_same_in_every_process(given: str, absolute: str) -> None:
    assert addresses.absolute_uri(given) == absolute


def test_a_uri_with_one_slash_is_not_taken_for_a_path() -> None:
    with pytest.raises(AddressError) as raised:
        addresses.absolute_uri("s3:/bucket/photos")

    assert raised.value.hint == "Write s3://bucket/photos"


@pytest.mark.parametrize(
    ("uri", "fix"),
    [
        ("dbfs:/x", "Write dbfs://x"),
        ("gs:/x/y", "Write gs://x/y"),
        ("s3://b//x", "Write s3://b/x"),
        ("s3a://bucket/a///b/", "Write s3://bucket/a/b"),
    ],
)
def test_refuses_uri_with_wrong_number_of_slashes(uri: str, fix: str) -> None:
    with pytest.raises(AddressError) as raised:
        addresses.absolute_uri(uri)

    assert (raised.value.code, raised.value.hint) == ("ORC-102", fix)


def test_expands_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert addresses.absolute_uri("~/photos") == f"{tmp_path}/photos"


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert addresses.absolute_uri("photos") == f"{tmp_path}/photos"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI@bucket/images",
        "https://me:secret@example.org/images",
        "abfs://container:secret@account.dfs.core.windows.net/images",
        "https://bucket.s3.amazonaws.com/images?X-Amz-Algorithm=AWS4&X-Amz-Signature=secret",
        "https://account.blob.core.windows.net/images?sp=r&sig=secret",
        "gs://bucket/images?GoogleAccessId=me&Signature=secret",
    ],
)
def test_refuses_uri_with_secret_without_repeating_it(uri: str) -> None:
    with pytest.raises(AddressError) as raised:
        addresses.absolute_uri(uri)

    assert f"'{uri.split(':', maxsplit=1)[0]}://'" in raised.value.message
    assert uri not in str(raised.value)
    assert "secret" not in raised.value.hint


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/a:b@c/image",
        "abfss://container@account.dfs.core.windows.net/x",
        "s3://bucket/what?a=b",
        "/a:b@c?sig=1",
    ],
)
def test_a_uri_that_only_looks_odd_is_not(uri: str) -> None:
    assert addresses.absolute_uri(uri) == uri


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("s3://bucket/folder/a b.jpg", ("bucket", "folder/a b.jpg")),
        ("s3://bucket", ("bucket", "")),
        ("/folder/file", ("", "")),
        ("", ("", "")),
    ],
)
def test_splits_an_s3_uri_into_bucket_and_key(address: str, parts: tuple[str, str]) -> None:
    assert addresses.split_s3(address) == parts
