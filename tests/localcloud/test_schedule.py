"""Tests of localcloud/schedule.py."""

from datetime import datetime, timedelta

import pytest

from localcloud import schedule

MONDAY = datetime(2026, 11, 30, 9, 0, 20)


@pytest.mark.parametrize(
    ("expression", "passed", "due"),
    [
        ("rate(1 day)", timedelta(hours=23, minutes=59), False),
        ("rate(1 day)", timedelta(days=1), True),
        ("rate(5 minutes)", timedelta(minutes=5), True),
        ("cron(0 9 * * ? *)", timedelta(days=1), True),
        ("cron(0 9 * * ? *)", timedelta(seconds=10), False),
        ("cron(0 8 * * ? *)", timedelta(days=1), False),
        ("cron(0 9 ? * 2-6 *)", timedelta(days=1), True),
        ("cron(0 9 ? * 1,7 *)", timedelta(days=1), False),
    ],
)
def test_a_schedule_is_due(expression: str, passed: timedelta, *, due: bool) -> None:
    assert schedule.parse(expression)(MONDAY - passed, MONDAY) is due


@pytest.mark.parametrize("expression", ["daily", "rate(1 week)", "cron(0 9 * * ?)", "cron(0 9 L * ? *)"])
def test_refuses_other_schedules(expression: str) -> None:
    with pytest.raises(ValueError, match="ScheduleExpression"):
        schedule.parse(expression)
