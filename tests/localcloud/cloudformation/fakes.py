"""A fake resource type, whose resources are entries of a dictionary, and what an engine needs around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation.engine import Engine
from localcloud.cloudformation.evaluation import Evaluator
from localcloud.cloudformation.parameters import given_values
from localcloud.cloudformation.registry import Registry
from localcloud.cloudformation.resource import Created, Properties, ReplacementNeededError, ResourceContext
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

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Make a thing."""
        if properties.get("Fail") == "create":
            raise ValueError("The thing did not want to be made.")
        self.made += 1
        physical_id = f"{context.logical_id}-{self.made}"
        self.there[physical_id] = properties
        return Created(physical_id, {"Arn": f"arn:{physical_id}"})

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:  # noqa: ARG002
        """Change a thing; a failing one fails half-way."""
        if before.get("Shape") != after.get("Shape"):
            raise ReplacementNeededError("Shape can only be given to a new thing.")
        self.there[physical_id] = after
        if after.get("Fail") == "update":
            raise ValueError("The thing did not want to change.")
        return Created(physical_id, {"Arn": f"arn:{physical_id}"})

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:  # noqa: ARG002
        """Remove a thing."""
        if physical_id in self.undeletable:
            raise ValueError("The thing is not empty.")
        self.there.pop(physical_id, None)


class FakeExports(Registry):
    """Exports of stacks that do not exist: values by name, and the names of the stacks that use them."""

    def __init__(self, values: dict[str, str] | None = None, used_by: dict[str, Sequence[str]] | None = None) -> None:
        super().__init__()
        self.values = values or {}
        self.used_by = used_by or {}

    def value(self, stack: Stack, name: str) -> str:
        """Return the value of an export."""
        return self.values[name] if name in self.values else super().value(stack, name)

    def users(self, stack: Stack, name: str) -> Sequence[str]:  # noqa: ARG002
        """Return the stacks that use an export."""
        return self.used_by.get(name, ())

    def owner(self, stack: Stack, name: str) -> str | None:  # noqa: ARG002
        """Return the stack that has an export of this name."""
        return "Other" if name in self.values else None


def no_client(service: str, region: str) -> Any:
    """Fail: a test that gets here needs a service."""
    raise AssertionError(f"{service} in {region} is asked")


def engine(things: FakeThings, exports: FakeExports | None = None) -> Engine:
    """Return an engine that knows one type of resource."""
    return Engine(Evaluator({things.name: things}, no_client, exports or FakeExports()))


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
