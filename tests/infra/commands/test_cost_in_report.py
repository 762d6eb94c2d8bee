"""Tests of orchard results and orchard cost --run: what a run did cost, in its report and on the screen."""

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.aws.client import Aws
from infra.context import Context
from job.report.cost import fact, tile
from job.report.messages import Messages
from tests.error_report import values
from tests.infra.command_line import MANIFEST
from tests.infra.conftest import make_stack
from tests.infra.fake_price_list import NOW, FakePriceList
from tests.infra.person import Person, cluster_that_ran

ENGLISH = Messages("en")
REPORT = f'<html lang="en"><table>{fact(ENGLISH)}</table>{tile(ENGLISH)}</html>'
BEGIN = NOW - timedelta(hours=2)


def minute(number: int) -> str:
    """Return a time as a manifest writes it, so many minutes after the cluster's begin."""
    return f"{BEGIN + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"


def with_results(person: Person, report: str | None = REPORT, finished: int = 58, **more: Any) -> dict[str, Any]:
    """Leave results of a run in the data bucket; return their manifest."""
    s3: Any = boto3.client("s3", "eu-west-1")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    make_stack(person.aws, "OrchardData", {"DataBucket": "data", "LogsBucket": "logs"})
    listed = [] if report is None else [{"path": "report.html", "rows": 1, "bytes": len(report.encode())}]
    manifest: dict[str, Any] = {
        **MANIFEST,
        "run_id": "r1",
        "finished": minute(finished),
        "files": {"report": listed},
        **more,
    }
    if report is not None:
        s3.put_object(Bucket="data", Key="results/first/report.html", Body=report.encode())
    s3.put_object(Bucket="data", Key="results/first/manifest.json", Body=json.dumps(manifest).encode())
    return manifest


def cost_in(report: Path) -> list[str]:
    """Return the texts of a report's entry on its cost."""
    cell = unescape(report.read_text().partition('<tr id="cost">')[2].partition("</tr>")[0])
    return [text for text in re.sub("<[^>]*>", "\n", cell).splitlines() if " " in text]


def test_the_fetched_report_says_what_the_run_did_cost(person: Person, tmp_path: Path) -> None:
    cluster = cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60))
    with_results(person)

    assert person.types(f"results first --output {tmp_path}") == 0

    amount, estimate = cost_in(tmp_path / "report.html")[:2]
    assert values(amount) == ["0.417 USD", "0:30:00", "25%", cluster, "1.67 USD"]
    assert values(estimate) == ["eu-west-1", "2026-11-20"]
    assert person.reads().endswith(": 0.417 USD.\n")
    # The amount is that of the other command.
    person.types("cost --run first")
    assert ["0:30:00", "25%", "0.417"] in list(map(values, person.reads().splitlines()))


def test_only_the_fetched_report_and_its_manifest_change(person: Person, tmp_path: Path) -> None:
    cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60))
    manifest = with_results(person)

    # Twice: the second time begins with the bucket's report again
    for _ in range(2):
        assert person.types(f"results first --output {tmp_path}") == 0

    size = (tmp_path / "report.html").stat().st_size
    assert json.loads((tmp_path / "manifest.json").read_text()) == {
        **manifest,
        "files": {"report": [{"path": "report.html", "rows": 1, "bytes": size}]},
    }
    assert sorted(file.name for file in tmp_path.iterdir()) == ["manifest.json", "report.html"]
    assert person.aws.s3.get_object(Bucket="data", Key="results/first/report.html")["Body"].read() == REPORT.encode()


def test_a_later_run_of_the_same_name_does_not_count(person: Person, tmp_path: Path) -> None:
    wanted = cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60))
    later = cluster_that_ran("first", BEGIN + timedelta(minutes=61), minutes=59, step=(5, 20))
    with_results(person)

    person.types(f"results first --output {tmp_path}")

    page = (tmp_path / "report.html").read_text()
    assert (wanted in page, later in page) == (True, False)


@pytest.mark.parametrize(
    ("finished", "bucket"), [(90, "data"), (58, "another")], ids=["at another time", "into another bucket"]
)
def test_without_a_run_in_emr_the_report_stays_unchanged(
    finished: int, bucket: str, person: Person, tmp_path: Path
) -> None:
    cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60), bucket=bucket)
    with_results(person, finished=finished)

    assert person.types(f"results first --output {tmp_path}") == 0

    assert (tmp_path / "report.html").read_text() == REPORT
    assert person.reads().endswith(f"s3://data/results/first at {minute(finished)}.\n")


def test_without_a_price_the_report_stays_unchanged(person: Person, tmp_path: Path, price_list: FakePriceList) -> None:
    cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60))
    price_list.products.clear()
    with_results(person)

    assert person.types(f"results first --output {tmp_path}") == 0

    assert (tmp_path / "report.html").read_text() == REPORT
    assert person.reads().endswith("(m5.xlarge: none for EC2 and EMR).\n")


def test_a_report_of_an_earlier_version_stays_unchanged(person: Person, tmp_path: Path) -> None:
    cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60))
    with_results(person, report="<html>earlier</html>")

    assert person.types(f"results first --output {tmp_path}") == 0

    assert (tmp_path / "report.html").read_text() == "<html>earlier</html>"
    assert person.reads().endswith(" 0.417 USD.\n")


def test_reused_photos_are_named_as_not_counted(person: Person, tmp_path: Path) -> None:
    cluster_that_ran("first", BEGIN, minutes=120, step=(30, 60))
    with_results(person, resumed={"reused": 900, "computed": 100})

    person.types(f"results first --output {tmp_path}")

    assert ["900"] in list(map(values, cost_in(tmp_path / "report.html")))


def test_a_run_without_a_report_prints_no_cost(person: Person, tmp_path: Path) -> None:
    with_results(person, report=None)

    assert person.types(f"results first --output {tmp_path}") == 0

    assert person.reads().endswith("1 files fetched.\n")


def test_a_cloud_on_this_machine_is_told_from_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert not Aws("eu-west-1").on_this_machine
    assert Context(lambda: Aws("eu-west-1"), price_cache=tmp_path).prices().cache_folder == tmp_path

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert Aws("eu-west-1").on_this_machine
    # And what it says of prices is not kept for the real one.
    assert Context(lambda: Aws("eu-west-1"), price_cache=tmp_path).prices().cache_folder is None
