"""Templates in JSON and YAML, and the refusal of invalid ones in AWS's words."""

import pytest

from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.order import in_order
from localcloud.cloudformation.template import parse


def test_short_tags_equal_long_names() -> None:
    short = parse(
        """
Conditions: {Big: !Equals [a, b]}
Resources:
  A:
    Type: T
    Properties:
      Ref: !Ref B
      Att: !GetAtt B.Inner.Arn
      Sub: !Sub '${B}-x'
      If: !If [Big, !Ref B, !Join ['', [a, b]]]
      Policy: {Version: 2012-10-17}
"""
    )

    assert short.resources["A"].properties == {
        "Ref": {"Ref": "B"},
        "Att": {"Fn::GetAtt": ["B", "Inner.Arn"]},
        "Sub": {"Fn::Sub": "${B}-x"},
        "If": {"Fn::If": ["Big", {"Ref": "B"}, {"Fn::Join": ["", ["a", "b"]]}]},
        "Policy": {"Version": "2012-10-17"},
    }
    assert short.section("Conditions") == {"Big": {"Fn::Equals": ["a", "b"]}}


def test_a_declaration_has_its_defaults() -> None:
    declared = parse('{"Resources": {"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T"}}}').resources["A"]

    assert (declared.depends_on, declared.condition, declared.properties) == (("B",), None, {})
    assert (declared.deletion_policy, declared.update_replace_policy) == ("Delete", "Delete")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Template format error: YAML not well-formed. (line 1, column 2)"),
        ("just words", "Template format error: unsupported structure."),
        ("{}", "Template format error: At least one Resources member must be defined."),
        ("Resources: {A: {}}", "[/Resources/A] Every Resources object must contain a Type member."),
        ("Resources: {A: {Type: T}}\nTransform: X", "Transform"),
        ("Resources: {A: {Type: T}}\nHooks: {}", "Invalid template property or properties [Hooks]"),
        ("Resources: {A: {Type: T, CreationPolicy: {}}}", "CreationPolicy of a resource: A (T)"),
        ("Resources: {A: {Type: T, DeletionPolicy: Keep}}", "Unrecognized DeletionPolicy Keep for resource A"),
        ("Resources: {A: {Type: T, Condition: C}}", "Unresolved condition dependency C"),
    ],
)
def test_refuses_invalid_templates(text: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(text)

    assert message in caught.value.message


def test_resources_come_after_what_they_need() -> None:
    template = parse(
        """
Resources:
  Sub: {Type: T, Properties: {P: !Sub 'x-${Ref.Arn}'}}
  Ref: {Type: T, Properties: {P: [{Q: !Ref Att}]}}
  Named: {Type: T, Properties: {P: !Sub ['${Sub}', {Sub: !Ref Depends}]}}
  Att: {Type: T, Properties: {P: !GetAtt Depends.Arn}}
  Depends: {Type: T, DependsOn: [First]}
  First: {Type: T}
"""
    )

    assert in_order(template.resources) == ["First", "Depends", "Named", "Att", "Ref", "Sub"]


def test_refuses_circular_dependencies_by_name() -> None:
    template = parse("Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, Properties: {P: !Ref A}}}")

    with pytest.raises(RequestError, match=r"Circular dependency between resources: \[A, B\]"):
        in_order(template.resources)
