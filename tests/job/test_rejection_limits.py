"""Tests of job/rejection_limits.py."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from job import rejection_limits
from job.arguments import most_allowed
from job.errors import TooManyRejectedError, UsageError
from job.results import layout
from job.spark.tasks import PhotosReport


def report(output: Path, used: int, reasons: list[str]) -> PhotosReport:
    rows = pa.table([[f"/{row}.jpg" for row in range(len(reasons))], reasons], schema=layout.REJECTED_SCHEMA)
    rejected = layout.write_parquet(str(output), f"rejected/{used}.parquet", rows) if reasons else None
    return PhotosReport(None, rejected, Counter(train=used), Counter())


@pytest.mark.parametrize(("limit", "most"), [("5%", 5), ("0%", 0), ("2.5 %", 2), ("100%", 100), ("20", 20), ("0", 0)])
def test_accepts_limit_as_share_or_number(limit: str, most: int) -> None:
    assert most_allowed(limit, 100) == most


@pytest.mark.parametrize("limit", ["", "5.5", "-1", "101%", "few", "%"])
def test_refuses_other_limits(limit: str) -> None:
    with pytest.raises(UsageError) as raised:
        most_allowed(limit, 100)

    assert (raised.value.code, f"'{limit}'" in raised.value.message) == ("ORC-101", True)


def test_fails_above_limit_with_most_common_reason(tmp_path: Path) -> None:
    reasons = ["the file is empty", "damaged: 12 bytes missing", "damaged: 1,234 bytes missing"]
    reports = [report(tmp_path, 90, reasons), report(tmp_path, 7, [])]

    with pytest.raises(TooManyRejectedError) as raised:
        rejection_limits.require_within(str(tmp_path), "2%", reports)

    assert raised.value.exit_code == 1
    for value in ("3 of 100", "3.00%", " 2% ", "2 times: damaged: 12 bytes missing."):
        assert value in raised.value.message
    assert f"{tmp_path}/rejected" in raised.value.hint


@pytest.mark.parametrize("limit", [None, "3%", "3", "100%"])
def test_passes_within_limit(limit: str | None, tmp_path: Path) -> None:
    rejection_limits.require_within(str(tmp_path), limit, [report(tmp_path, 97, ["the file is empty"] * 3)])
