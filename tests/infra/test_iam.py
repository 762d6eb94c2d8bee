"""The policy evaluator itself: a test that trusts it must be able to."""

import pytest

from tests.infra.iam import allowed

READ = {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::photos/*"}


def test_what_no_statement_allows_is_denied() -> None:
    assert not allowed([READ], "s3:PutObject", "arn:aws:s3:::photos/a.jpg")


def test_an_action_matches_by_wildcard_and_in_any_case() -> None:
    assert allowed([READ], "S3:getobject", "arn:aws:s3:::photos/a.jpg")


def test_a_resource_must_match_too() -> None:
    assert not allowed([READ], "s3:GetObject", "arn:aws:s3:::others/a.jpg")


def test_a_deny_wins_over_an_allow() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert not allowed([READ, deny], "s3:GetObject", "arn:aws:s3:::photos/a.jpg")


def test_a_condition_must_hold_and_its_key_be_there() -> None:
    conditional = READ | {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}
    key = "arn:aws:s3:::photos/a.jpg"
    assert allowed([conditional], "s3:GetObject", key, {"aws:SourceAccount": "1"})
    assert not allowed([conditional], "s3:GetObject", key, {"aws:SourceAccount": "2"})
    assert not allowed([conditional], "s3:GetObject", key)


def test_what_it_does_not_know_it_refuses_to_judge() -> None:
    with pytest.raises(NotImplementedError):
        allowed([{"Effect": "Allow", "NotAction": "s3:*", "Action": "a", "Resource": "*"}], "a", "b")
