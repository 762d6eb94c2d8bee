"""The engine brings stacks to their blueprints, and back where it fails."""

from dataclasses import replace

import pytest

from localcloud.cloudformation.stacks import Stack
from tests.localcloud.cloudformation.fakes import FakeExports, FakeThings, blueprint, engine, history, new_stack

TWO = """
Parameters:
  Size: {Type: String, Default: small}
  Colour: {Type: String, Default: red}
  Fail: {Type: String, Default: never}
Resources:
  Second:
    Type: AWS::Fake::Thing
    Properties: {Uses: !Ref First, Fail: !Ref Fail}
  First:
    Type: AWS::Fake::Thing
    Properties: {Size: !Ref Size, Colour: !Ref Colour}
Outputs:
  FirstArn:
    Value: !GetAtt First.Arn
    Export: {Name: first}
"""

ONLY_FIRST = """
Resources:
  First:
    Type: AWS::Fake::Thing
    Properties: {Size: small, Colour: red}
"""


@pytest.fixture
def things() -> FakeThings:
    return FakeThings()


def deployed(things: FakeThings, template: str = TWO, **parameters: str) -> Stack:
    stack = new_stack()
    engine(things).create(stack, blueprint(template, **parameters))
    assert stack.status == "CREATE_COMPLETE", stack.events
    return stack


def test_creates_resources_in_dependency_order(things: FakeThings) -> None:
    stack = deployed(things)

    assert things.there == {
        "First-1": {"Size": "small", "Colour": "red"},
        "Second-2": {"Uses": "First-1", "Fail": "never"},
    }
    assert history(stack) == [
        "Shop CREATE_IN_PROGRESS",
        "First CREATE_IN_PROGRESS",
        "First CREATE_COMPLETE",
        "Second CREATE_IN_PROGRESS",
        "Second CREATE_COMPLETE",
        "Shop CREATE_COMPLETE",
    ]
    assert [(output.key, output.value, output.export) for output in stack.outputs] == [
        ("FirstArn", "arn:First-1", "first")
    ]


def test_a_failed_creation_leaves_nothing_behind(things: FakeThings) -> None:
    stack = new_stack()

    engine(things).create(stack, blueprint(TWO, Fail="create"))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert things.there == {}
    assert stack.resources == {}
    assert history(stack)[3:] == [
        "Second CREATE_IN_PROGRESS",
        "Second CREATE_FAILED",
        "Shop ROLLBACK_IN_PROGRESS",
        "First DELETE_IN_PROGRESS",
        "First DELETE_COMPLETE",
        "Shop ROLLBACK_COMPLETE",
    ]
    reasons = {event.status: event.reason for event in stack.events}
    assert reasons["CREATE_FAILED"] == "The thing did not want to be made."
    assert reasons["ROLLBACK_IN_PROGRESS"] == (
        "The following resource(s) failed to create: [Second]. Rollback requested by user."
    )


def test_a_failed_creation_keeps_what_is_to_be_retained(things: FakeThings) -> None:
    template = TWO.replace("  First:\n", "  First:\n    DeletionPolicy: Retain\n")
    stack = new_stack()

    engine(things).create(stack, blueprint(template, Fail="create"))

    assert list(things.there) == ["First-1"]
    assert "First DELETE_SKIPPED" in history(stack)


def test_a_failed_creation_deletes_retain_except_on_create(things: FakeThings) -> None:
    template = TWO.replace("  First:\n", "  First:\n    DeletionPolicy: RetainExceptOnCreate\n")

    engine(things).create(new_stack(), blueprint(template, Fail="create"))

    assert things.there == {}


def test_without_rollback_a_failed_creation_keeps_what_it_made(things: FakeThings) -> None:
    stack = new_stack()
    stack.disable_rollback = True

    engine(things).create(stack, blueprint(TWO, Fail="create"))

    assert stack.status == "CREATE_FAILED"
    assert list(things.there) == ["First-1"]


def test_an_unmodelled_type_fails_before_anything_is_created(things: FakeThings) -> None:
    stack = new_stack()
    template = TWO.replace("Outputs:", "  Third: {Type: AWS::Lambda::Function}\nOutputs:")

    engine(things).create(stack, blueprint(template))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert things.made == 0
    failed = next(event for event in stack.events if event.status == "CREATE_FAILED")
    assert failed.logical_id == "Third"
    assert "AWS::Lambda::Function" in str(failed.reason)


def test_an_unmodelled_property_fails_the_stack_by_name(things: FakeThings) -> None:
    stack = new_stack()

    engine(things).create(stack, blueprint(ONLY_FIRST.replace("Size", "Weight")))

    failed = next(event for event in stack.events if event.status == "CREATE_FAILED")
    assert "Weight of AWS::Fake::Thing" in str(failed.reason)
    assert things.made == 0


def test_accepts_an_unmodelled_property_set_to_no_value(things: FakeThings) -> None:
    conditions = "Conditions: {Heavy: !Equals [a, b]}\n"
    template = conditions + ONLY_FIRST.replace("Size: small", "Weight: !If [Heavy, 1, !Ref AWS::NoValue]")

    deployed(things, template)

    assert things.there == {"First-1": {"Colour": "red"}}


def test_a_resource_whose_condition_is_not_met_is_not_made(things: FakeThings) -> None:
    template = TWO.replace("  Second:\n", "  Second:\n    Condition: Both\n")

    deployed(things, f"Conditions: {{Both: !Equals [a, b]}}\n{template}")

    assert list(things.there) == ["First-1"]


def test_resources_inherit_stack_tags_and_keep_their_own(things: FakeThings) -> None:
    own = ONLY_FIRST.replace("Size: small", "Tags: [{Key: team, Value: apples}]")

    tagged = replace(blueprint(own), tags={"project": "orchard", "team": "pears"})
    engine(things).create(new_stack(), tagged)

    assert things.there["First-1"]["Tags"] == [
        {"Key": "team", "Value": "apples"},
        {"Key": "project", "Value": "orchard"},
    ]


def test_a_change_in_place_touches_that_resource_only(things: FakeThings) -> None:
    stack = deployed(things)

    engine(things).update(stack, blueprint(TWO, Size="large"))

    assert things.there["First-1"] == {"Size": "large", "Colour": "red"}
    assert history(stack)[6:] == [
        "Shop UPDATE_IN_PROGRESS",
        "First UPDATE_IN_PROGRESS",
        "First UPDATE_COMPLETE",
        "Shop UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "Shop UPDATE_COMPLETE",
    ]


def test_a_replacement_is_created_first_and_deleted_last(things: FakeThings) -> None:
    stack = deployed(things)

    engine(things).update(stack, blueprint(TWO, Colour="green"))

    assert things.there == {
        "First-3": {"Size": "small", "Colour": "green"},
        "Second-4": {"Uses": "First-3", "Fail": "never"},
    }
    assert history(stack)[6:] == [
        "Shop UPDATE_IN_PROGRESS",
        "First UPDATE_IN_PROGRESS",
        "First UPDATE_COMPLETE",
        "Second UPDATE_IN_PROGRESS",
        "Second UPDATE_COMPLETE",
        "Shop UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "Second DELETE_IN_PROGRESS",
        "Second DELETE_COMPLETE",
        "First DELETE_IN_PROGRESS",
        "First DELETE_COMPLETE",
        "Shop UPDATE_COMPLETE",
    ]
    assert stack.outputs[0].value == "arn:First-3"


def test_a_type_may_request_a_replacement_during_an_update(things: FakeThings) -> None:
    stack = deployed(things, ONLY_FIRST)

    engine(things).update(stack, blueprint(ONLY_FIRST.replace("Size: small", "Shape: round")))

    assert things.there == {"First-2": {"Shape": "round", "Colour": "red"}}


def test_a_replaced_resource_stays_where_it_is_to_be_retained(things: FakeThings) -> None:
    template = TWO.replace("  First:\n", "  First:\n    UpdateReplacePolicy: Retain\n")
    stack = deployed(things, template)

    engine(things).update(stack, blueprint(template, Colour="green"))

    assert sorted(things.there) == ["First-1", "First-3", "Second-4"]
    assert "First DELETE_SKIPPED" in history(stack)


def test_a_resource_that_left_the_template_is_removed(things: FakeThings) -> None:
    stack = deployed(things)

    engine(things).update(stack, blueprint(ONLY_FIRST))

    assert list(things.there) == ["First-1"]
    assert list(stack.resources) == ["First"]


def test_a_failed_update_undoes_changes_and_replacements(things: FakeThings) -> None:
    stack = deployed(things)
    before, resources, outputs = dict(things.there), dict(stack.resources), list(stack.outputs)

    engine(things).update(stack, blueprint(TWO, Size="large", Colour="green", Fail="create"))

    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert things.there == before
    assert (stack.resources, stack.outputs) == (resources, outputs)
    assert stack.blueprint is not None
    assert stack.blueprint.parameters["Colour"] == "red"
    reasons = {event.status: event.reason for event in stack.events}
    assert reasons["UPDATE_ROLLBACK_IN_PROGRESS"] == "The following resource(s) failed to update: [Second]."


def test_undoes_an_update_that_failed_halfway(things: FakeThings) -> None:
    stack = deployed(things)
    before = dict(things.there)

    engine(things).update(stack, blueprint(TWO, Size="large", Fail="update"))

    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert things.there == before


def test_a_stack_can_be_updated_after_its_update_was_rolled_back(things: FakeThings) -> None:
    stack = deployed(things)
    engine(things).update(stack, blueprint(TWO, Size="large", Fail="update"))

    engine(things).update(stack, blueprint(TWO, Size="large"))

    assert stack.status == "UPDATE_COMPLETE"
    assert things.there["First-1"]["Size"] == "large"


def test_an_export_in_use_can_neither_be_changed_nor_removed(things: FakeThings) -> None:
    stack = deployed(things)
    before = dict(things.there)
    used = engine(things, FakeExports(used_by={"first": ["Till"]}))

    used.update(stack, blueprint(TWO, Colour="green"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert [event.reason for event in stack.events if event.status == "UPDATE_ROLLBACK_IN_PROGRESS"] == [
        "Export first cannot be updated as it is in use by Till"
    ]

    used.update(stack, blueprint(ONLY_FIRST))
    assert [event.reason for event in stack.events if event.status == "UPDATE_ROLLBACK_IN_PROGRESS"][1:] == [
        "Export first cannot be deleted as it is in use by Till"
    ]

    used.delete(stack)
    assert (stack.status, stack.reason) == ("DELETE_FAILED", "Export first cannot be deleted as it is in use by Till")
    assert things.there == before


def test_a_missing_export_fails_the_importing_stack(things: FakeThings) -> None:
    stack = new_stack()
    importing = ONLY_FIRST.replace("Size: small", "Size: !ImportValue nowhere")

    engine(things).create(stack, blueprint(importing))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert "No export named nowhere found." in [event.reason for event in stack.events]


def test_a_stack_knows_what_it_imports(things: FakeThings) -> None:
    stack = new_stack()
    importing = ONLY_FIRST.replace("Size: small", "Size: !ImportValue size")

    engine(things, FakeExports({"size": "huge"})).create(stack, blueprint(importing))

    assert stack.imports == {"size"}
    assert things.there["First-1"]["Size"] == "huge"


def test_deletes_dependents_first(things: FakeThings) -> None:
    stack = deployed(things)

    engine(things).delete(stack)

    assert things.there == {}
    assert history(stack)[6:] == [
        "Shop DELETE_IN_PROGRESS",
        "Second DELETE_IN_PROGRESS",
        "Second DELETE_COMPLETE",
        "First DELETE_IN_PROGRESS",
        "First DELETE_COMPLETE",
        "Shop DELETE_COMPLETE",
    ]


def test_a_failed_deletion_keeps_the_stack_and_can_be_repeated(things: FakeThings) -> None:
    stack = deployed(things)
    things.undeletable.add("Second-2")

    engine(things).delete(stack)

    assert (stack.status, stack.reason) == (
        "DELETE_FAILED",
        "The following resource(s) failed to delete: [Second].",
    )
    assert sorted(things.there) == ["First-1", "Second-2"]
    assert stack.last_of["Second"].reason == "The thing is not empty."

    things.undeletable.clear()
    engine(things).delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert things.there == {}
    assert stack.resources == {}


def test_events_have_increasing_timestamps(things: FakeThings) -> None:
    moments = [event.moment for event in deployed(things).events]

    assert moments == sorted(set(moments))


def test_plans_the_changes_that_a_deployment_makes(things: FakeThings) -> None:
    stack = deployed(things)

    def planned(template: str, **parameters: str) -> list[tuple[str, str, bool | None]]:
        changes = engine(things).evaluator.planned(stack, blueprint(template, **parameters))
        return [(change.action, change.logical_id, change.replaces) for change in changes]

    assert planned(TWO) == []
    assert planned(TWO, Size="large") == [("Modify", "First", False)]
    assert planned(TWO, Colour="green") == [("Modify", "First", True), ("Modify", "Second", True)]
    assert planned(ONLY_FIRST) == [("Remove", "Second", None)]
    assert engine(things).evaluator.planned(new_stack(), blueprint(TWO))[0].action == "Add"
    assert things.made == 2


def test_a_rule_that_does_not_hold_fails_the_stack(things: FakeThings) -> None:
    rule = """
Rules:
  Sizes:
    Assertions:
      - Assert: !Contains [[small, large], !Ref Size]
        AssertDescription: there are two sizes
"""
    stack = new_stack()

    engine(things).create(stack, blueprint(TWO + rule, Size="huge"))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert "Template error: rule Sizes: there are two sizes" in str(stack.events[1].reason)
