"""Intrinsic functions resolve to what CloudFormation makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.intrinsics import KNOWN_AFTER_APPLY, Resolver


class FakeContext:
    """A bucket that exists, a key that is not made yet, one export and two zones."""

    def reference(self, logical_id: str) -> Any:
        return {"Bucket": "bucket-1", "Key": KNOWN_AFTER_APPLY}[logical_id]

    def attribute(self, logical_id: str, name: str) -> Any:
        return KNOWN_AFTER_APPLY if logical_id == "Key" else f"{logical_id}.{name}"

    def imported(self, name: str) -> Any:
        return {"Data:Arn": "arn:data"}[name]

    def zones(self, region: str) -> Sequence[str]:
        return [f"{region}a", f"{region}b"]

    def dynamic(self, service: str, key: str) -> str:
        return f"{service} {key}"


def resolver(**conditions: Any) -> Resolver:
    values: Mapping[str, Any] = {"AWS::Region": "eu-west-3", "Size": "large", "Names": ["a", "b"], "On": "true"}
    return Resolver(values, {"Prices": {"large": {"eu": "3"}}}, conditions, FakeContext())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Size"}, "large"),
        ({"Ref": "Bucket"}, "bucket-1"),
        ({"Ref": "AWS::Region"}, "eu-west-3"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "Bucket.Arn"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "Bucket.Arn"),
        ({"Fn::GetAtt": ["Bucket", "Inner.Arn"]}, "Bucket.Inner.Arn"),
        ({"Fn::Sub": "${Size}-${Bucket}-${Bucket.Arn}-${!Size}"}, "large-bucket-1-Bucket.Arn-${Size}"),
        ({"Fn::Sub": ["${Own}/${Size}", {"Own": {"Ref": "Bucket"}}]}, "bucket-1/large"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Size"}]]}, "a-large"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Fn::GetAZs": ""}]}, "eu-west-3b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}, "eu-west-3a"),
        ({"Fn::Split": [":", "a:b:c"]}, ["a", "b", "c"]),
        ({"Fn::FindInMap": ["Prices", {"Ref": "Size"}, "eu"]}, "3"),
        ({"Fn::ImportValue": {"Fn::Sub": "Data:Arn"}}, "arn:data"),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::If": ["Big", "yes", "no"]}, "yes"),
        ({"a": [1, {"Ref": "AWS::NoValue"}], "b": {"Ref": "AWS::NoValue"}}, {"a": [1]}),
        ("{{resolve:ssm:/name}}!", "ssm /name!"),
        ({"Fn::Select": [2, {"Fn::Split": [":", {"Fn::GetAtt": ["Key", "Arn"]}]}]}, KNOWN_AFTER_APPLY),
    ],
)
def test_a_function_gives(value: Any, expected: Any) -> None:
    assert resolver(Big={"Fn::Equals": [{"Ref": "Size"}, "large"]}).resolve(value) == expected


def test_conditions_are_made_of_conditions() -> None:
    made = resolver(
        Big={"Fn::Equals": [{"Ref": "Size"}, "large"]},
        Small={"Fn::Not": [{"Condition": "Big"}]},
        Either={"Fn::Or": [{"Condition": "Big"}, {"Condition": "Small"}]},
        Both={"Fn::And": [{"Condition": "Big"}, {"Condition": "Small"}]},
        True_={"Fn::Equals": [True, {"Ref": "On"}]},
    )

    assert [made.holds(name) for name in ("Big", "Small", "Either", "Both", "True_")] == [
        True,
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::Transform": {}}, "Fn::Transform"),
        ({"Ref": "AWS::Moon"}, "AWS::Moon"),
        ({"Fn::Select": [2, ["a"]]}, "Template error: Fn::Select cannot select nonexistent value at index 2"),
        ({"Fn::FindInMap": ["Prices", "x", "y"]}, "Template error: Unable to get mapping for Prices::x::y"),
        ({"Fn::If": ["Nowhere", 1, 2]}, "Template error: unresolved condition dependency Nowhere"),
        ({"Fn::Join": ["-"]}, "Template error: Fn::Join cannot be resolved"),
        ({"Fn::Sub": "${Names}"}, "Template error: a text is asked for, not"),
    ],
)
def test_refuses_functions_that_cannot_be_resolved(value: Any, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        resolver().resolve(value)

    assert message in caught.value.message
