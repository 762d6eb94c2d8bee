"""Schedules of EventBridge rules: ``rate(1 day)`` and ``cron(0 9 * * ? *)``, in UTC."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.+)\)")

Due = Callable[[datetime, datetime], bool]
"""Tells whether a schedule that fired last at the first time fires again at the second."""

_FIELDS: tuple[tuple[str, Callable[[datetime], int]], ...] = (
    ("minutes", lambda moment: moment.minute),
    ("hours", lambda moment: moment.hour),
    ("day of month", lambda moment: moment.day),
    ("month", lambda moment: moment.month),
    ("day of week", lambda moment: moment.isoweekday() % 7 + 1),
    ("year", lambda moment: moment.year),
)


def parse(expression: str) -> Due:
    """Return when a schedule fires; raise ValueError for one that is invalid or not modelled.

    A field of ``cron`` is ``*``, ``?``, a number, a range such as ``2-6`` or a list of these, separated by commas.
    """
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        period = timedelta(**{f"{rate[2]}s": int(rate[1])})
        return lambda last, now: now - last >= period
    cron = _CRON.fullmatch(expression)
    fields = cron[1].split() if cron else []
    if len(fields) != len(_FIELDS):
        raise ValueError("Parameter ScheduleExpression is not valid.")
    allowed = [_values(field, name) for field, (name, _) in zip(fields, _FIELDS, strict=True)]

    def due(last: datetime, now: datetime) -> bool:
        fits = all(values is None or read(now) in values for values, (_, read) in zip(allowed, _FIELDS, strict=True))
        return fits and now.replace(second=0, microsecond=0) > last

    return due


def _values(field: str, name: str) -> frozenset[int] | None:
    """Return the values that a field allows, None for all."""
    if field in ("*", "?"):
        return None
    found: set[int] = set()
    for part in field.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise ValueError(f"The local cloud does not model '{field}' as {name} of ScheduleExpression.")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)
