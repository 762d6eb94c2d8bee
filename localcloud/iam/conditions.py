"""Evaluates the ``Condition`` of a policy statement, as IAM's reference of condition operators has it."""

import datetime
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Context = Mapping[str, Sequence[str]]
"""Values of a request by condition key in lower case; keys that do not apply are absent."""


class ConditionNotModelledError(Exception):
    """An unknown operator: an Allow with it must not apply, a Deny with it must."""


def met(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Tell whether every part of a condition is met; raise ConditionNotModelledError for an unknown operator."""
    return all(
        _operator_met(operator, key.lower(), _texts(wanted), context)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def like(pattern: str, value: str) -> bool:
    """Tell whether a value is like a pattern, where ``*`` is any text and ``?`` any character."""
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _operator_met(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    over, _, name = operator.rpartition(":")
    may_be_absent = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    found = context.get(key)
    if name == "Null":
        return (found is None) == (wanted[0].lower() == "true")
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None or over not in ("", "ForAnyValue", "ForAllValues"):
        raise ConditionNotModelledError(operator)
    if found is None:
        # An absent key equals nothing and differs from everything.
        return may_be_absent or negated or over == "ForAllValues"

    def fits(value: str) -> bool:
        return any(test(one, value) for one in wanted) != negated

    return all(map(fits, found)) if over == "ForAllValues" else any(map(fits, found))


def _moment(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _in_block(block: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)


def _texts(value: Any) -> list[str]:  # noqa: ANN401
    return [
        str(one).lower() if isinstance(one, bool) else str(one)
        for one in (value if isinstance(value, list) else [value])
    ]


def _ordered(read: Callable[[str], float], name: str) -> Mapping[str, Callable[[str, str], bool]]:
    """Return the comparisons of a type; each takes the policy's value first, then the request's."""
    return {
        f"{name}Equals": lambda wanted, value: read(value) == read(wanted),
        f"{name}LessThan": lambda wanted, value: read(value) < read(wanted),
        f"{name}LessThanEquals": lambda wanted, value: read(value) <= read(wanted),
        f"{name}GreaterThan": lambda wanted, value: read(value) > read(wanted),
        f"{name}GreaterThanEquals": lambda wanted, value: read(value) >= read(wanted),
    }


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "IpAddress": _in_block,
    **_ordered(float, "Numeric"),
    **_ordered(_moment, "Date"),
}

_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
