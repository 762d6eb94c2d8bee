"""Every operator of conditions, the keys that are not there, and that no policy of ours uses one that is not known."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.settings import NETWORKS
from localcloud.iam.conditions import ConditionNotModelledError, met
from tests.infra.conftest import environment, stub_wheelhouse  # noqa: F401 - fixtures
from tests.infra.synthesis import Environment
from tests.infra.test_wildcards import EVERYTHING

ROLE = "arn:aws:iam::123456789012:role/orchard-node"


@pytest.mark.parametrize(
    ("operator", "wanted", "fits", "fits_not"),
    [
        ("StringEquals", "eu-west-1", "eu-west-1", "EU-WEST-1"),
        ("StringEquals", ["a", "b"], "b", "c"),
        ("StringNotEquals", ["a", "b"], "c", "b"),
        ("StringEqualsIgnoreCase", "eu-west-1", "EU-west-1", "eu-west-2"),
        ("StringNotEqualsIgnoreCase", "a", "b", "A"),
        ("StringLike", "results/*", "results/a/b", "images/a"),
        ("StringLike", "a?c[d]", "abc[d]", "abcd"),
        ("StringNotLike", "results/*", "images/a", "results/a"),
        ("ArnEquals", "arn:aws:iam::*:role/orchard-*", ROLE, "arn:aws:iam::1:user/x"),
        ("ArnLike", "arn:aws:iam::123456789012:role/*", ROLE, "arn:aws:iam::2:role/x"),
        ("ArnNotEquals", ROLE, "arn:aws:iam::2:role/x", ROLE),
        ("ArnNotLike", "arn:aws:iam::*:role/*", "arn:aws:iam::2:user/x", ROLE),
        ("Bool", True, "true", "false"),
        ("Bool", "false", "false", "true"),
        ("NumericEquals", 3, "3.0", "4"),
        ("NumericNotEquals", "3", "4", "3"),
        ("NumericLessThan", 1.2, "1.1", "1.2"),
        ("NumericLessThanEquals", "1.2", "1.2", "1.3"),
        ("NumericGreaterThan", 10, "11", "9"),
        ("NumericGreaterThanEquals", 10, "10", "9"),
        ("DateEquals", "2026-11-21T00:00:00Z", "2026-11-21T01:00:00+01:00", "2026-11-21T00:00:01Z"),
        ("DateNotEquals", "2026-11-21", "2026-11-22", "2026-11-21"),
        ("DateLessThan", "2026-11-21T00:00:00Z", "2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z"),
        ("DateLessThanEquals", "2026-11-21", "2026-11-21", "2026-11-22"),
        ("DateGreaterThan", "1763683200", "2026-11-21T00:00:01Z", "2025-11-20"),
        ("DateGreaterThanEquals", "2026-11-21", "2026-11-21", "2026-11-20"),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
        ("NotIpAddress", ["10.0.0.0/8", "127.0.0.1"], "11.0.0.1", "127.0.0.1"),
    ],
)
def test_operators_match_as_iam_does(operator: str, wanted: object, fits: str, fits_not: str) -> None:
    condition = {operator: {"Some:Key": wanted}}

    assert met(condition, {"some:key": [fits]})
    assert not met(condition, {"some:key": [fits_not]})


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("NumericLessThan", False),
        ("NotIpAddress", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAllValues:StringEquals", True),
    ],
)
def test_an_absent_key_equals_nothing_and_differs_from_all(operator: str, expected: bool) -> None:
    assert met({operator: {"a:key": "1"}}, {}) is expected


def test_null_tests_whether_a_key_is_present() -> None:
    assert met({"Null": {"a:key": "true"}}, {})
    assert not met({"Null": {"a:key": "true"}}, {"a:key": ["1"]})
    assert met({"Null": {"a:key": False}}, {"a:key": ["1"]})


def test_set_operators_require_any_or_all_values() -> None:
    context = {"aws:tagkeys": ["a", "b"]}

    assert met({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "x"]}}, context)
    assert not met({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "x"]}}, context)
    assert met({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "x"]}}, context)


def test_a_condition_requires_all_operators_and_keys() -> None:
    condition = {"StringEquals": {"a:one": "1", "a:two": "2"}, "Bool": {"a:three": "true"}}

    assert met(condition, {"a:one": ["1"], "a:two": ["2"], "a:three": ["true"]})
    assert not met(condition, {"a:one": ["1"], "a:two": ["3"], "a:three": ["true"]})
    assert not met(condition, {"a:one": ["1"], "a:two": ["2"], "a:three": ["false"]})


@pytest.mark.parametrize("operator", ["BinaryEquals", "StringAlmostEquals", "ForSomeValues:StringEquals"])
def test_raises_for_an_unknown_operator(operator: str) -> None:
    with pytest.raises(ConditionNotModelledError):
        met({operator: {"a:key": "1"}}, {"a:key": ["1"]})


@pytest.mark.parametrize("network", NETWORKS)
def test_every_operator_that_our_policies_use_is_known(
    environment: Callable[..., Environment],  # noqa: F811 - the fixture
    network: str,
) -> None:
    made = environment(network=network, **EVERYTHING)

    used = {
        operator
        for stack in made.stacks()
        for condition in _conditions(made.resolve(stack, made.template(stack).get("Resources", {})))
        for operator in condition
    }

    assert {"StringEquals", "ArnLike", "Bool", "NumericLessThan"} <= used
    for operator in used:
        met({operator: {"a:key": "1"}}, {"a:key": ["1"]})


def _conditions(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value["Condition"]] if "Effect" in value and "Condition" in value else []
        return [*own, *(found for inner in value.values() for found in _conditions(inner))]
    return [found for inner in value for found in _conditions(inner)] if isinstance(value, list) else []
