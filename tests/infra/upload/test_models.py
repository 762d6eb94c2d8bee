"""Tests of `orchard export` and infra/upload/content_addressed.py: a backbone is exported once, and sent once."""

import errno
import hashlib
import io
import os
from pathlib import Path

import boto3
import pytest

from infra import cli
from infra.aws import stacks
from infra.aws.client import Aws
from infra.context import Context
from infra.errors import BucketGoneError
from infra.upload.content_addressed import PlacedModel, place_model
from tests.error_report import codes, told, values

RANDOM = ["export", "--weights", "random"]


@pytest.fixture
def context(aws: Aws) -> Context:
    return Context(lambda: aws, terminal=io.StringIO(), clock=lambda: 0.0, sleep=lambda _: None)


def said(context: Context) -> list[str]:
    assert isinstance(context.terminal, io.StringIO)
    return context.terminal.getvalue().splitlines()


def test_the_same_content_is_sent_once(aws: Aws, bucket: str, tmp_path: Path) -> None:
    """Given two files of the same content, when both are placed, then only the first is sent."""
    first, second = tmp_path / "one.tflite", tmp_path / "two.tflite"
    first.write_bytes(b"the model")
    second.write_bytes(b"the model")
    uri = f"s3://{bucket}/models/{hashlib.sha256(b'the model').hexdigest()}.tflite"

    assert place_model(aws, bucket, first) == PlacedModel(uri, sent=True)
    written = boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert place_model(aws, bucket, second) == PlacedModel(uri, sent=False)

    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"] == written
    assert [f"s3://{bucket}/{one['Key']}" for one in written] == [uri]


def test_other_content_has_another_name(aws: Aws, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    placed = set()
    for content in (b"one", b"two"):
        file.write_bytes(content)
        placed.add(place_model(aws, bucket, file).uri)

    assert len(placed) == 2


def test_names_the_object_of_a_bucket_that_is_missing(aws: Aws, tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"the model")
    uri = f"s3://no-such-bucket-at-all/models/{hashlib.sha256(b'the model').hexdigest()}.tflite"

    with pytest.raises(BucketGoneError) as raised:
        place_model(aws, "no-such-bucket-at-all", file)

    assert uri in raised.value.message


def test_an_export_says_where_the_file_is_and_what_it_takes(context: Context, random_backbone: Path) -> None:
    assert cli.main(RANDOM, context) == 0

    content = random_backbone.read_bytes()
    path, network, warning = said(context)
    assert path == str(random_backbone)
    assert values(network) == [
        *("mobilenet_v2", "0", "224", "224", "1,280", f"{len(content) / 1e6:.1f} MB"),
        *("SHA-256", hashlib.sha256(content).hexdigest()),
    ]
    assert "random" in warning


def test_an_export_is_copied_where_it_is_wanted(context: Context, random_backbone: Path, tmp_path: Path) -> None:
    """Given a file's name, then that is written; given a folder, then the file goes into it."""
    assert cli.main([*RANDOM, "--output", str(tmp_path / "mine.tflite")], context) == 0
    assert cli.main([*RANDOM, "--output", str(tmp_path)], context) == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["mine.tflite", random_backbone.name])
    assert all(path.read_bytes() == random_backbone.read_bytes() for path in tmp_path.iterdir())
    assert said(context)[0] == str(tmp_path / "mine.tflite")


@pytest.mark.usefixtures("random_backbone")
def test_a_place_that_cannot_be_written_is_said(
    context: Context, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*RANDOM, "--output", str(tmp_path / "nowhere" / "mine.tflite")], context) == 2

    message, hint = told(capsys.readouterr().err)
    assert f"'{tmp_path}/nowhere/mine.tflite'" in message
    assert os.strerror(errno.ENOENT) in message
    assert "--output FILE" in hint


def test_an_export_is_put_into_the_data_bucket_once(
    context: Context, random_backbone: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "data_bucket", lambda _: bucket)
    uri = f"s3://{bucket}/models/{hashlib.sha256(random_backbone.read_bytes()).hexdigest()}.tflite"

    assert cli.main([*RANDOM, "--upload"], context) == 0
    assert cli.main([*RANDOM, "--upload"], context) == 0

    assert [line for line in said(context) if uri in line] == [f"Sent to {uri}", f"Already at {uri}"]


def test_a_stack_that_is_missing_is_said_before_the_export(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*RANDOM, "--upload"], context) == 2

    assert said(context) == []
    message, hint = told(capsys.readouterr().err)
    assert "OrchardData" in message
    assert "eu-west-1" in message
    assert "cdk deploy OrchardData" in hint


def test_a_backbone_that_nobody_knows_is_refused(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "--backbone", "alexnet"], context) == 2

    written = capsys.readouterr().err
    assert codes(written) == ["ORC-140"]
    assert values(told(written)[0]) == ["--backbone", "alexnet"]
