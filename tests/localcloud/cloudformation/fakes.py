"""A fake resource type, whose resources are entries of a dictionary, and what an engine needs around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation.engine import Engine
from localcloud.cloudformation.failures import FormationError
from localcloud.cloudformation.parameters import given_values
from localcloud.cloudformation.resource import Made, Place, Properties, ReplacementNeededError
from localcloud.cloudformation.stacks import Blueprint, Stack
from localcloud.cloudformation.template import parse

FAKE = "AWS::Fake::Thing"


@dataclass
class FakeThings:
    """Things with a size that can be changed, a colour that cannot, and an order to fail.

    Attributes
    ----------
    there
        What exists: properties by physical id.
    undeletable
        Physical ids that cannot be removed.
    """

    name: str = FAKE
    properties: frozenset[str] = frozenset({"Size", "Colour", "Shape", "Uses", "Tags", "Fail"})
    replacing: frozenset[str] = frozenset({"Colour", "Uses"})
    there: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    undeletable: set[str] = field(default_factory=set)
    made: int = 0

    def create(self, place: Place, properties: Properties) -> Made:
        """Make a thing."""
        if properties.get("Fail") == "create":
            raise ValueError("The thing did not want to be made.")
        self.made += 1
        physical_id = f"{place.logical_id}-{self.made}"
        self.there[physical_id] = properties
        return Made(physical_id, {"Arn": f"arn:{physical_id}"})

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:  # noqa: ARG002
        """Change a thing; a failing one fails half-way."""
        if before.get("Shape") != after.get("Shape"):
            raise ReplacementNeededError("Shape can only be given to a new thing.")
        self.there[physical_id] = after
        if after.get("Fail") == "update":
            raise ValueError("The thing did not want to change.")
        return Made(physical_id, {"Arn": f"arn:{physical_id}"})

    def delete(self, place: Place, physical_id: str, properties: Properties) -> None:  # noqa: ARG002
        """Remove a thing."""
        if physical_id in self.undeletable:
            raise ValueError("The thing is not empty.")
        self.there.pop(physical_id, None)


@dataclass
class FakeExports:
    """Exports of stacks that there are not: values by name, and who uses them."""

    values: dict[str, str] = field(default_factory=dict)
    used_by: dict[str, Sequence[str]] = field(default_factory=dict)

    def value(self, stack: Stack, name: str) -> str:  # noqa: ARG002
        """Return the value of an export."""
        if name not in self.values:
            raise FormationError(f"No export named {name} found.")
        return self.values[name]

    def users(self, stack: Stack, name: str) -> Sequence[str]:  # noqa: ARG002
        """Return who uses an export."""
        return self.used_by.get(name, ())

    def owner(self, stack: Stack, name: str) -> str | None:  # noqa: ARG002
        """Return who has an export of this name."""
        return "Other" if name in self.values else None


def no_client(service: str, region: str) -> Any:
    """Fail: a test that gets here needs a service."""
    raise AssertionError(f"{service} in {region} is asked")


def engine(things: FakeThings, exports: FakeExports | None = None) -> Engine:
    """Return an engine that knows one type of resource."""
    return Engine({things.name: things}, no_client, exports or FakeExports())


def blueprint(template: str, **parameters: str) -> Blueprint:
    """Return what a stack is to be, with these values of its parameters."""
    parsed = parse(template)
    return Blueprint(parsed, given_values(parsed, parameters, {}), {})


def new_stack(name: str = "Shop") -> Stack:
    """Return a stack of which nothing is made."""
    return Stack(name, f"arn:stack/{name}", "123456789012", "eu-west-3")


def history(stack: Stack) -> list[str]:
    """Return what happened to a stack, as lines: logical id and state."""
    return [f"{event.logical_id} {event.status}" for event in stack.events]
