"""Parameters take what is asked for, what was before or their default, and nothing that the template forbids."""

import pytest

from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.parameters import given_values, shown, values
from localcloud.cloudformation.template import parse

TEMPLATE = parse(
    """
Parameters:
  Size: {Type: String, Default: small, AllowedValues: [small, large]}
  Count: {Type: Number, Default: 3, MinValue: 1, MaxValue: 5}
  Names: {Type: CommaDelimitedList, Default: ''}
  Name: {Type: String, Default: ab, AllowedPattern: '[a-z]+', MaxLength: 4, ConstraintDescription: small letters}
  Version: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /version}
  Secret: {Type: String, NoEcho: true}
Resources: {A: {Type: T}}
"""
)


def stored(name: str) -> str:
    return {"/version": "30"}[name]


def test_prefers_given_then_previous_then_default_values() -> None:
    found = given_values(TEMPLATE, {"Size": "large", "Secret": None}, {"Secret": "before", "Size": "small"})

    assert found == {
        "Size": "large",
        "Count": "3",
        "Names": "",
        "Name": "ab",
        "Version": "/version",
        "Secret": "before",
    }


def test_lists_are_split_and_stored_parameters_read() -> None:
    given = given_values(TEMPLATE, {"Names": "a, b", "Secret": "x"}, {})

    found = values(TEMPLATE, given, stored)

    assert (found["Names"], found["Version"]) == (["a", "b"], "30")
    assert values(TEMPLATE, given_values(TEMPLATE, {"Secret": "x"}, {}), stored)["Names"] == []


def test_secret_parameters_are_not_shown() -> None:
    answer = {one["ParameterKey"]: one for one in shown(TEMPLATE, given_values(TEMPLATE, {"Secret": "x"}, {}), stored)}

    assert answer["Secret"]["ParameterValue"] == "****"
    assert answer["Version"] == {"ParameterKey": "Version", "ParameterValue": "/version", "ResolvedValue": "30"}


def test_shows_a_deleted_stored_parameter_without_value() -> None:
    def removed(name: str) -> str:
        raise RequestError(f"Unable to fetch parameters [{name}] from parameter store for this account.")

    answer = {one["ParameterKey"]: one for one in shown(TEMPLATE, given_values(TEMPLATE, {"Secret": "x"}, {}), removed)}

    assert answer["Version"] == {"ParameterKey": "Version", "ParameterValue": "/version"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "Parameters: [Secret] must have values"),
        ({"Secret": "x", "Colour": "red"}, "Parameters: [Colour] do not exist in the template"),
        ({"Secret": "x", "Size": "huge"}, "Parameter 'Size' must be one of AllowedValues"),
        ({"Secret": "x", "Name": "A"}, "Parameter Name failed to satisfy constraint: small letters"),
        ({"Secret": "x", "Count": "0"}, "Parameter 'Count' must be a number not less than 1"),
        ({"Secret": "x", "Count": "6"}, "Parameter 'Count' must be a number not greater than 5"),
        ({"Secret": "x", "Name": "abcde"}, "Parameter 'Name' must contain a number of characters not greater than 4"),
    ],
)
def test_refuses_values_that_violate_constraints(asked: dict[str, str | None], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        given_values(TEMPLATE, asked, {})

    assert caught.value.message == message
