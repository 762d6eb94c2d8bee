"""EventBridge: the gap of stock moto that localcloud/moto_patches/events.py closes; test_event_source.py tests it."""

import json

import pytest

from localcloud.moto_patches import events
from tests.localcloud.cloudformation.resources.conftest import Client
from tests.localcloud.cloudformation.resources.conftest import aws as aws  # noqa: PLC0414 - a fixture
from tests.localcloud.moto_patches.in_process import apply

TARGET = {"Id": "a", "Arn": "arn:aws:sns:eu-west-1:123456789012:alerts"}
ENTRY = {"Source": "orchard", "DetailType": "test", "Detail": "{}"}


def rule(aws: Client) -> None:
    aws("events").put_rule(Name="all", EventPattern=json.dumps({"source": ["orchard"]}))
    aws("events").put_targets(Rule="all", Targets=[TARGET])


def test_stock_moto_fails_for_a_topic(aws: Client) -> None:
    rule(aws)
    with pytest.raises(NotImplementedError):
        aws("events").put_events(Entries=[ENTRY])


def test_an_event_for_an_unknown_topic_is_dropped(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, events)
    rule(aws)
    assert aws("events").put_events(Entries=[ENTRY])["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, '{"detail": {"state": "FAILED", "count": 2}}'),
        ({"Input": '{"a": 1}'}, '{"a": 1}'),
        ({"InputTransformer": {"InputPathsMap": {"s": "$.detail.state"}, "InputTemplate": '"is <s>"'}}, '"is FAILED"'),
        (
            {"InputTransformer": {"InputPathsMap": {"s": "$.detail.state"}, "InputTemplate": '{"state": <s>}'}},
            '{"state": "FAILED"}',
        ),
    ],
)
def test_a_target_receives(target: dict[str, object], message: str) -> None:
    assert events.message(target, {"detail": {"state": "FAILED", "count": 2}}) == message
