"""The requests to CloudFormation: finds the stacks that they name, and starts the work."""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation import parameters
from localcloud.cloudformation.engine import Engine
from localcloud.cloudformation.errors import (
    AlreadyExistsError,
    InvalidChangeSetStatusError,
    NoSuchChangeSetError,
    RequestError,
)
from localcloud.cloudformation.evaluation import Evaluator
from localcloud.cloudformation.registry import Registry
from localcloud.cloudformation.resource import NO_OPERATIONS, ResourceType
from localcloud.cloudformation.stacks import Blueprint, ChangeSet, Scope, Stack, now
from localcloud.cloudformation.template import Template

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
"""Why a change set failed that would change nothing; the CDK matches on these words."""

LONGEST_ANSWER = 50.0
"""Seconds that a request waits for its work, most of which ends by then and needs no polling; the rest continues in
the background. Below the timeout of the SDKs."""

_UPDATABLE = frozenset({
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "CREATE_FAILED",
    "UPDATE_FAILED",
})  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request to create or update a stack; None keeps what the stack has: template, parameter's value or tags."""

    template: Template | None
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    capabilities: Sequence[str] = ()
    role: str | None = None
    token: str | None = None


class CloudFormation:
    """The CloudFormation of one cloud: all its stacks; ``client`` returns a client of a service in a region."""

    def __init__(self, types: Mapping[str, ResourceType], client: Callable[[str, str], Any]) -> None:
        self.registry = Registry()
        self.client = client
        self._evaluator = Evaluator({**NO_OPERATIONS, **types}, client, self.registry)
        self._engine = Engine(self._evaluator)

    def create_stack(self, scope: Scope, name: str, request: Request, *, disable_rollback: bool) -> Stack:
        """Create a stack."""
        with self.registry.lock:
            if any(one.name == name for one in self.registry.living(scope)):
                raise AlreadyExistsError(f"Stack [{name}] already exists")
            stack = _new_stack(scope, name)
            blueprint = self._blueprint(stack, request)
            self.registry.stacks.append(stack)
            _take(stack, request, disable_rollback)
        self._work(lambda: self._engine.create(stack, blueprint), stack)
        return stack

    def update_stack(self, scope: Scope, name: str, request: Request, *, disable_rollback: bool) -> Stack:
        """Update a stack."""
        with self.registry.lock:
            stack = self.registry.stack(scope, name, "Stack [{}] does not exist")
            _require_updatable(stack)
            blueprint = self._blueprint(stack, request)
            if not self._changes_something(stack, blueprint):
                raise RequestError("No updates are to be performed.")
            _take(stack, request, disable_rollback)
        self._work(lambda: self._engine.update(stack, blueprint), stack)
        return stack

    def delete_stack(self, scope: Scope, name: str, token: str | None) -> None:
        """Delete a stack; succeed if it does not exist."""
        with self.registry.lock:
            try:
                stack = self.registry.stack(scope, name)
            except RequestError:
                return
            if stack.deleted is not None:
                return
            if stack.busy:
                raise RequestError(f"Stack:{stack.id} is in {stack.status} state and can not be deleted.")
            if stack.termination_protection:
                raise RequestError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
            stack.token = token
        self._work(lambda: self._delete(stack), stack)

    def create_change_set(
        self, scope: Scope, stack_name: str, name: str, kind: str, request: Request, description: str | None
    ) -> ChangeSet:
        """Plan a deployment, and keep the plan to be executed."""
        with self.registry.lock:
            stack, is_new = self._stack_to_change(scope, stack_name, kind, name)
            blueprint = self._blueprint(stack, request)
            if any(one.name == name for one in self.registry.change_sets_of(stack)):
                raise AlreadyExistsError(f"ChangeSet {name} already exists")
            changes = self._evaluator.planned(stack, blueprint)
            empty = kind != "CREATE" and not changes and not self._changes_something(stack, blueprint)
            if is_new:
                self.registry.stacks.append(stack)
                stack.enter("REVIEW_IN_PROGRESS", "User Initiated")
            made = ChangeSet(
                name=name,
                id=f"arn:aws:cloudformation:{scope.region}:{scope.account}:changeSet/{name}/{uuid.uuid4()}",
                stack=stack,
                kind=kind,
                blueprint=blueprint,
                description=description,
                capabilities=list(request.capabilities),
                role=request.role,
                changes=changes,
                status="FAILED" if empty else "CREATE_COMPLETE",
                reason=NO_CHANGES if empty else None,
                execution_status="UNAVAILABLE" if empty else "AVAILABLE",
            )
            self.registry.change_sets.append(made)
            return made

    def execute_change_set(self, change_set: ChangeSet, token: str | None, *, disable_rollback: bool) -> None:
        """Execute a change set."""
        with self.registry.lock:
            stack = change_set.stack
            if change_set.execution_status != "AVAILABLE":
                raise InvalidChangeSetStatusError(
                    f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]"
                )
            if change_set.kind == "CREATE" and stack.status != "REVIEW_IN_PROGRESS":
                raise RequestError(f"Stack:{stack.id} is in {stack.status} state and can not be created.")
            if change_set.kind != "CREATE":
                _require_updatable(stack)
            # Other change sets were planned against the stack as it was.
            for other in self.registry.change_sets_of(stack):
                other.execution_status = "OBSOLETE"
            change_set.execution_status = "EXECUTE_IN_PROGRESS"
            request = Request(None, capabilities=change_set.capabilities, role=change_set.role, token=token)
            _take(stack, request, disable_rollback)
            stack.change_set_id = change_set.id
        bring = self._engine.create if change_set.kind == "CREATE" else self._engine.update

        def execute() -> None:
            bring(stack, change_set.blueprint)
            good = stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            change_set.execution_status = "EXECUTE_COMPLETE" if good else "EXECUTE_FAILED"

        self._work(execute, stack)

    def delete_change_set(self, scope: Scope, name: str, stack_name: str | None) -> None:
        """Delete a change set; succeed if it does not exist."""
        with self.registry.lock:
            try:
                found = self.registry.change_set(scope, name, stack_name)
            except NoSuchChangeSetError:
                return
            if found.execution_status == "EXECUTE_IN_PROGRESS":
                raise InvalidChangeSetStatusError(f"ChangeSet [{found.id}] cannot be deleted while it is executed")
            self.registry.change_sets.remove(found)

    def _stack_to_change(self, scope: Scope, name: str, kind: str, change_set: str) -> tuple[Stack, bool]:
        """Return the stack that a change set is for, and whether it is a new one."""
        try:
            stack = self.registry.stack(scope, name, "Stack [{}] does not exist")
        except RequestError:
            if kind != "CREATE":
                raise
            return _new_stack(scope, name), True
        if kind == "CREATE":
            if stack.status != "REVIEW_IN_PROGRESS":
                raise AlreadyExistsError(
                    f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
                )
        elif kind == "UPDATE":
            _require_updatable(stack)
        else:
            raise RequestError(f"The local cloud does not model change sets of type {kind}")
        return stack, False

    def _blueprint(self, stack: Stack, request: Request) -> Blueprint:
        before = stack.blueprint
        template = request.template or (before.template if before else None)
        if template is None:
            raise RequestError("Either Template URL or Template Body must be specified.")
        given = parameters.given_values(template, request.parameters, before.parameters if before else {})
        kept = before.tags if before else {}
        return Blueprint(template, given, kept if request.tags is None else request.tags)

    def _changes_something(self, stack: Stack, blueprint: Blueprint) -> bool:
        before = stack.blueprint
        if before is None or before.tags != blueprint.tags:
            return True
        return bool(self._evaluator.planned(stack, blueprint)) or self._evaluator.outputs_differ(stack, blueprint)

    def _delete(self, stack: Stack) -> None:
        self._engine.delete(stack)
        if stack.status == "DELETE_COMPLETE":
            with self.registry.lock:
                stack.deleted = now()
                self.registry.change_sets = [one for one in self.registry.change_sets if one.stack is not stack]

    def _work(self, work: Callable[[], None], stack: Stack) -> None:
        thread = threading.Thread(target=work, name=f"cloudformation-{stack.name}", daemon=True)
        thread.start()
        thread.join(LONGEST_ANSWER)


def _new_stack(scope: Scope, name: str) -> Stack:
    return Stack(name, f"arn:aws:cloudformation:{scope.region}:{scope.account}:stack/{name}/{uuid.uuid4()}", *scope)


def _take(stack: Stack, request: Request, disable_rollback: bool) -> None:
    """Record the request of an operation that begins now on its stack."""
    if stack.status != "REVIEW_IN_PROGRESS":
        stack.updated = now()
    stack.capabilities = list(request.capabilities)
    stack.role = request.role or stack.role
    stack.token, stack.disable_rollback = request.token, disable_rollback
    # Block other operations from here on; the engine sets the same state with its event.
    stack.status = "CREATE_IN_PROGRESS" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE_IN_PROGRESS"


def _require_updatable(stack: Stack) -> None:
    if stack.status not in _UPDATABLE:
        raise RequestError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
