"""Tests of job/rejection_limits.py."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from job import rejection_limits
from job.arguments import most_allowed
from job.errors import RunFailedError, UsageError
from job.results import layout
from job.spark.tasks import PhotosReport


def report(output: Path, used: int, reasons: list[str]) -> PhotosReport:
    rows = pa.table([[f"/{row}.jpg" for row in range(len(reasons))], reasons], schema=layout.REJECTED_SCHEMA)
    rejected = layout.write_parquet(str(output), f"rejected/{used}.parquet", rows) if reasons else None
    return PhotosReport(None, rejected, Counter(train=used), Counter())


@pytest.mark.parametrize(("limit", "most"), [("5%", 5), ("0%", 0), ("2.5 %", 2), ("100%", 100), ("20", 20), ("0", 0)])
def test_a_limit_is_a_share_or_a_number(limit: str, most: int) -> None:
    assert most_allowed(limit, 100) == most


@pytest.mark.parametrize("limit", ["", "5.5", "-1", "101%", "few", "%"])
def test_what_is_neither_is_refused(limit: str) -> None:
    with pytest.raises(UsageError) as raised:
        most_allowed(limit, 100)

    assert raised.value.message == f"--max-rejected {limit} is no limit."
    assert raised.value.hint == "Give a share like 5%, or a number of photos like 20."


def test_more_than_allowed_fail_the_run_with_number_share_and_the_commonest_reason(tmp_path: Path) -> None:
    reasons = ["the file is empty", "damaged: 12 bytes missing", "damaged: 1,234 bytes missing"]
    reports = [report(tmp_path, 90, reasons), report(tmp_path, 7, [])]

    with pytest.raises(RunFailedError) as raised:
        rejection_limits.require_within(str(tmp_path), "2%", reports)

    assert raised.value.exit_code == 1
    assert raised.value.message == (
        "3 of 100 photos (3.00%) were set aside, more than the 2% of --max-rejected. "
        "The commonest reason, of 2: damaged: 12 bytes missing."
    )
    assert raised.value.hint == (
        f"See all in {tmp_path}/rejected. Mend the photos or allow more, then run it again with --resume."
    )


@pytest.mark.parametrize("limit", [None, "3%", "3", "100%"])
def test_no_more_than_allowed_are_no_failure(limit: str | None, tmp_path: Path) -> None:
    rejection_limits.require_within(str(tmp_path), limit, [report(tmp_path, 97, ["the file is empty"] * 3)])
