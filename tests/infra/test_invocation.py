"""Tests of infra/invocation.py."""

import pytest

from infra import invocation


@pytest.mark.parametrize(
    ("profile", "region", "expected"),
    [
        (None, None, ("orchard status first", "cdk deploy Data")),
        ("work", None, ("orchard status first --profile work", "cdk deploy Data --profile work")),
        (
            "my work",
            "eu-west-3",
            (
                "orchard status first --profile 'my work' --region eu-west-3",
                "cdk deploy Data --profile 'my work' -c region=eu-west-3",
            ),
        ),
    ],
)
def test_commands_repeat_profile_and_region(profile: str | None, region: str | None, expected: tuple[str, str]) -> None:
    with invocation.given(profile, region):
        built = invocation.orchard("status first"), invocation.cdk("deploy Data")

    assert built == expected
    assert invocation.orchard("up") == "orchard up"
