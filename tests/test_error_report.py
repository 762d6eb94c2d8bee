"""Tests of tests/error_report.py: which values of a text other tests compare."""

import pytest

from tests.error_report import codes, told, values


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 sent (0.1 MB) in 0 s, 1,700 were already uploaded.", ["3", "0.1 MB", "0 s", "1,700"]),
        ("About 0.417\u00a0USD: 0:30:00, 25% of it.", ["0.417 USD", "0:30:00", "25%"]),
        ("Run 'first' on 'a b': RUNNING, the run's own.", ["first", "a b", "RUNNING"]),
        ("The stack OrchardData is DELETE_FAILED.", ["OrchardData", "DELETE_FAILED"]),
        ("Choose another --name, or set core_count=1 in cdk.json.", ["--name", "core_count=1", "cdk.json"]),
        ("2 photos to s3://b/images/fruits/", ["2", "s3://b/images/fruits/"]),
        ("Fetch 1 run: orchard results first --all", ["1", "orchard results first --all"]),
        ("  copy:   aws s3 sync s3://a s3://b", ["aws s3 sync s3://a s3://b"]),
        ("  aws configure --profile evaluator", ["aws configure --profile evaluator"]),
        ("CloudFormation could not say how the cluster ended.", []),
    ],
)
def test_values_of_a_text_are_what_a_rewording_keeps(text: str, found: list[str]) -> None:
    assert values(text) == found


def test_a_message_has_its_code_at_the_end_of_its_line() -> None:
    written = "error: No folder 'x'. [ORC-110]\nCheck its name.\n"

    assert codes(written) == ["ORC-110"]
    assert told(written) == ["error: No folder 'x'.", "Check its name."]


def test_a_message_without_a_code_is_an_error() -> None:
    with pytest.raises(AssertionError, match="'error: No folder'"):
        told("error: No folder\n")
