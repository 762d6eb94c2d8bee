"""Tests of `orchard quality`."""

import io
from pathlib import Path

import boto3
import pyarrow as pa
import pytest

from infra import commandline
from infra.aws.client import Aws
from infra.commands.quality import lines
from infra.context import Context
from infra.errors import RunFilesError, SignInError, WrongUseError
from job.quality.photos import SCHEMA
from job.results import layout

PHOTOS = pa.table(
    [
        ["/a.jpg", "/b.jpg", "/c\nd.jpg"],
        ["duplicate", "label", "outlier"],
        [1.0, 0.5, 7.25],
        ["/z.jpg", "/y.jpg", None],
    ],
    schema=SCHEMA,
)


def no_account() -> Aws:
    """Fail: nothing here may need an account."""
    raise SignInError("There is no account.", "Sign in.")


def orchard(*argv: str) -> list[str]:
    context = Context(no_account, terminal=io.StringIO())
    given = commandline.parse(["quality", *argv])
    assert given.command.execute(given, context) == 0
    assert isinstance(context.terminal, io.StringIO)
    return context.terminal.getvalue().splitlines()


def write(uri: str, *, listed: bool = True) -> None:
    if listed:
        layout.write_csv(uri, layout.QUALITY_TABLE, PHOTOS)
    layout.write_manifest(uri, {"schema_version": layout.SCHEMA_VERSION, "files": {}})


def test_lists_photos_of_local_results_worst_first(tmp_path: Path) -> None:
    write(str(tmp_path))

    said = orchard(f"{tmp_path}/")

    assert [line.split() for line in said[:3]] == [
        ["kind", "score", "path", "related_path"],
        ["duplicate", "1.0000", "/a.jpg", "/z.jpg"],
        ["label", "0.5000", "/b.jpg", "/y.jpg"],
    ]


def test_lists_photos_of_results_in_s3(s3_endpoint: str, bucket: str) -> None:
    write(f"s3://{bucket}/results/first")
    assert boto3.client("s3", endpoint_url=s3_endpoint).list_objects_v2(Bucket=bucket)["KeyCount"] == 2

    assert orchard(f"s3://{bucket}/results/first", "--kind", "outlier", "--most", "1")[1].startswith("outlier")


@pytest.mark.parametrize(
    ("kind", "most", "shown"), [("label", None, 1), (None, 2, 2), (None, 3, 3), ("near_duplicate", None, 0)]
)
def test_list_is_narrowed_by_kind_and_number(tmp_path: Path, kind: str | None, most: int | None, shown: int) -> None:
    write(str(tmp_path))

    said = lines((tmp_path / layout.QUALITY_TABLE).read_bytes(), kind, most)

    assert len([line for line in said if "jpg" in line]) == shown
    assert said[-1].endswith("of 3 photos.") == (most == 2)


@pytest.mark.parametrize(("most", "listed", "error"), [("0", True, WrongUseError), ("1", False, RunFilesError)])
def test_refuses_what_cannot_be_listed(
    tmp_path: Path, most: str, listed: bool, error: type[WrongUseError | RunFilesError]
) -> None:
    write(str(tmp_path), listed=listed)

    with pytest.raises(error):
        orchard(f"{tmp_path}/", "--most", most)
