"""The data of stacks: resources, events, outputs and change sets."""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from localcloud.cloudformation.template import Declaration, Template

STACK_TYPE = "AWS::CloudFormation::Stack"

_TICK = datetime.timedelta(milliseconds=1)


def now() -> datetime.datetime:
    """Return the time, in UTC, as AWS gives it: to the millisecond."""
    moment = datetime.datetime.now(datetime.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Scope(NamedTuple):
    """The account and region that a request is for."""

    account: str
    region: str


@dataclass(frozen=True)
class Blueprint:
    """What a stack is deployed from."""

    template: Template
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Resource:
    """A resource of a stack that exists."""

    declaration: Declaration
    properties: Mapping[str, Any]
    physical_id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened to a stack or to one of its resources."""

    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    token: str | None
    moment: datetime.datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Output:
    """A value that a stack shows, and exports if ``export`` names it."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass
class Stack:
    """A stack, from its first change set or request until after its deletion.

    ``imports`` holds the export names it uses of other stacks, ``last_of`` the newest event of each logical id,
    ``token`` the request that its events belong to.
    """

    name: str
    id: str
    account: str
    region: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    blueprint: Blueprint | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    imports: frozenset[str] = frozenset()
    events: list[Event] = field(default_factory=list)
    last_of: dict[str, Event] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    role: str | None = None
    disable_rollback: bool = False
    termination_protection: bool = False
    change_set_id: str | None = None
    token: str | None = None
    created: datetime.datetime = field(default_factory=now)
    updated: datetime.datetime | None = None
    deleted: datetime.datetime | None = None

    def enter(self, status: str, reason: str | None = None) -> None:
        """Set the stack's state, and add the event for it."""
        self.status, self.reason = status, reason
        self._note(self.name, self.id, STACK_TYPE, status, reason)

    def note(self, declaration: Declaration, physical_id: str, status: str, reason: str | None = None) -> None:
        """Add an event of one of its resources."""
        self._note(declaration.logical_id, physical_id, declaration.type, status, reason)

    @property
    def busy(self) -> bool:
        """Whether an operation is in progress."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def _note(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None) -> None:
        # Clients sort events by time, so no two may have the same.
        moment = now() if not self.events else max(now(), self.events[-1].moment + _TICK)
        event = Event(self.id, self.name, logical_id, physical_id, kind, status, reason, self.token, moment)
        self.events.append(event)
        self.last_of[logical_id] = event


@dataclass(frozen=True)
class Change:
    """The change of one resource in a change set.

    ``action`` is ``Add``, ``Modify`` or ``Remove``; ``policy_action`` is ``Delete``, ``Retain``, ``ReplaceAndDelete``
    or ``ReplaceAndRetain``. ``replaces`` is None unless it is modified. ``properties`` maps each changed property to
    whether it requires a new resource; ``may_replace`` names those of which a part does. ``attributes`` may hold
    ``Tags``, ``Metadata``, ``DeletionPolicy``, ``UpdateReplacePolicy``.
    """

    action: str
    logical_id: str
    physical_id: str | None
    type: str
    replaces: bool | None = None
    properties: Mapping[str, bool] = field(default_factory=dict)
    may_replace: frozenset[str] = frozenset()
    attributes: tuple[str, ...] = ()
    policy_action: str | None = None


@dataclass
class ChangeSet:
    """A proposed deployment of a stack, with what it would change."""

    name: str
    id: str
    stack: Stack
    kind: str
    blueprint: Blueprint
    description: str | None
    capabilities: list[str]
    role: str | None
    changes: list[Change]
    status: str
    reason: str | None
    execution_status: str
    created: datetime.datetime = field(default_factory=now)
