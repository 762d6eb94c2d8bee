"""The folder and the environment of a node."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from infra.versions import CLUSTER_PYTHON
from localcloud.clients import client
from localcloud.runtime import Runtime
from localcloud.steps import aws_command, storage
from localcloud.steps.node import Node
from localcloud.steps.work import last_exception

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "token"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/opt/orchard/python", "{root}/opt/orchard/python"),
        ("/mnt/data", "{root}/mnt/data"),
        ("/usr/bin/python3.11", "{python}"),
        ("/usr/bin/env", "/usr/bin/env"),
        ("s3://b/opt/x", "s3://b/opt/x"),
        ("4g", "4g"),
    ],
)
def test_paths_of_a_node_are_below_its_folder(value: str, expected: str, tmp_path: Path) -> None:
    python = os.path.realpath(sys.executable)
    placed = Node(tmp_path, "http://127.0.0.1:9", "eu-west-3", Runtime(node_python=CLUSTER_PYTHON)).place(value)
    assert placed == expected.format(root=tmp_path, python=python)


def test_a_command_sees_the_roles_credentials_and_the_cloud(tmp_path: Path) -> None:
    node = Node(tmp_path, "http://127.0.0.1:9", "eu-west-3", Runtime())
    made = node.environment(KEYS, {"PYSPARK_PYTHON": "/p", "AWS_SECRET_ACCESS_KEY": "x"}, tmp_path / "tmp")
    assert KEYS.items() <= made.items()
    assert made["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert made["AWS_REGION"] == "eu-west-3"
    assert made["PYSPARK_PYTHON"] == "/p"
    assert "PYTHONPATH" not in made
    assert (tmp_path / "tmp").is_dir()


def test_a_node_has_the_aws_command(bucket: str, s3_endpoint: str, tmp_path: Path) -> None:
    node = Node(tmp_path / "node", s3_endpoint, "eu-west-1", Runtime())
    node.make()
    boto3.client("s3").put_object(Bucket=bucket, Key="a", Body=b"content")
    subprocess.run(
        ["bash", "-c", f"aws s3 cp --only-show-errors s3://{bucket}/a got && aws s3 cp got s3://{bucket}/b"],
        env=node.environment(KEYS, {}, tmp_path / "tmp"),
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "got").read_bytes() == b"content"
    assert boto3.client("s3").get_object(Bucket=bucket, Key="b")["Body"].read() == b"content"


def test_the_aws_command_reports_unmodelled_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert aws_command.main(["ec2", "describe-instances"]) == 255
    assert "'aws ec2 describe-instances'" in capsys.readouterr().err


def test_a_missing_object_fails_the_aws_command(
    bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws_command.main(["s3", "cp", f"s3://{bucket}/nothing", str(tmp_path / "x")]) == 1
    assert "Not Found" in capsys.readouterr().err


def test_an_upload_that_is_refused_fails_the_aws_command(
    s3_endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del s3_endpoint
    (tmp_path / "file").touch()
    assert aws_command.main(["s3", "cp", str(tmp_path / "file"), "s3://no-such-bucket/file"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("fatal error: Failed to upload")
    assert printed.endswith("The specified bucket does not exist\n")


def test_fetched_files_keep_their_names_and_local_paths_stay(bucket: str, s3_endpoint: str, tmp_path: Path) -> None:
    s3 = client("s3", s3_endpoint, "eu-west-1", KEYS)
    s3.put_object(Bucket=bucket, Key="code/1/job.zip", Body=b"1")
    s3.put_object(Bucket=bucket, Key="code/2/job.zip", Body=b"2")
    fetched = storage.fetch(s3, f"s3://{bucket}/code/1/job.zip,/local.py,s3a://{bucket}/code/2/job.zip#env", tmp_path)
    assert fetched == f"{tmp_path}/0/job.zip,/local.py,{tmp_path}/1/job.zip#env"
    assert (tmp_path / "1" / "job.zip").read_bytes() == b"2"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("x\njava.lang.OutOfMemoryError: Java heap space\n\tat y", "java.lang.OutOfMemoryError: Java heap space"),
        ('Exception in thread "main" org.apache.X.YException: no', "org.apache.X.YException: no"),
        ("Traceback\nValueError: 5\n", "ValueError: 5"),
        ("error: The folder is empty.\nPut photos there.\n", ""),
    ],
)
def test_the_last_exception_of_a_log_is_found(log: str, expected: str) -> None:
    assert last_exception(log) == expected
