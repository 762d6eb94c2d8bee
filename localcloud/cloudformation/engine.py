"""Creates, updates and deletes the resources of a stack in order, and rolls back on a failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloudformation import parameters
from localcloud.cloudformation.changes import difference
from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.evaluation import Evaluator
from localcloud.cloudformation.order import in_order, needs
from localcloud.cloudformation.resource import ReplacementNeededError
from localcloud.cloudformation.stacks import Blueprint, Resource, Stack
from localcloud.cloudformation.template import Declaration

FAILURES: tuple[type[Exception], ...] = (Exception,)
"""Any exception of a resource type fails that resource, with the reason: no stack is left without a state."""

_NEW_ONE = "Requested update requires the creation of a new physical resource; hence creating one."


class StackFailedError(Exception):
    """An operation on a stack failed; the message is the reason that the stack shows."""


@dataclass(frozen=True)
class _Done:
    """One change of an update; ``before`` is None for a new resource."""

    before: Resource | None
    after: Resource
    replaced: bool


class Engine:
    """Brings stacks to what their blueprints declare."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def create(self, stack: Stack, blueprint: Blueprint) -> None:
        """Create the resources of a new stack, or delete again those that were created."""
        stack.enter("CREATE_IN_PROGRESS", "User Initiated")
        stack.blueprint = blueprint
        try:
            self._deploy(stack, blueprint, [])
        except StackFailedError as failure:
            if stack.disable_rollback:
                stack.enter("CREATE_FAILED", str(failure))
                return
            stack.enter("ROLLBACK_IN_PROGRESS", f"{failure} Rollback requested by user.")
            failed = self._remove_all(stack, retained=("Retain",))
            stack.enter("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", failed)
            return
        stack.enter("CREATE_COMPLETE")

    def update(self, stack: Stack, blueprint: Blueprint) -> None:
        """Update a stack to a new blueprint, or roll it back."""
        before, resources = stack.blueprint, dict(stack.resources)
        stack.enter("UPDATE_IN_PROGRESS", "User Initiated")
        stack.blueprint = blueprint
        done: list[_Done] = []
        try:
            self._deploy(stack, blueprint, done)
        except StackFailedError as failure:
            if stack.disable_rollback:
                stack.enter("UPDATE_FAILED", str(failure))
                return
            stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            stack.blueprint = before
            failed = self._undo(stack, done)
            if failed is None:
                stack.resources = resources
                stack.enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            stack.enter("UPDATE_ROLLBACK_FAILED" if failed else "UPDATE_ROLLBACK_COMPLETE", failed)
            return
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up(stack, blueprint, resources, done)
        stack.enter("UPDATE_COMPLETE")

    def delete(self, stack: Stack) -> None:
        """Delete a stack; resources that cannot be deleted stay, and the stack with them."""
        stack.enter("DELETE_IN_PROGRESS", "User Initiated")
        for output in stack.outputs:
            users = self.evaluator.registry.users(stack, output.export) if output.export else ()
            if users:
                stack.enter(
                    "DELETE_FAILED",
                    f"Export {output.export} cannot be deleted as it is in use by {' and '.join(users)}",
                )
                return
        failed = self._remove_all(stack, retained=("Retain", "RetainExceptOnCreate"))
        stack.enter("DELETE_FAILED" if failed else "DELETE_COMPLETE", failed)

    def _deploy(self, stack: Stack, blueprint: Blueprint, done: list[_Done]) -> None:
        """Create and update resources in order; those no longer declared stay until the cleanup."""
        imports: set[str] = set()
        try:
            resolver = self.evaluator.deployed(stack, blueprint, imports)
            parameters.require_rules(blueprint.template, resolver)
            wanted = self.evaluator.wanted(blueprint, resolver)
        except FAILURES as error:
            raise StackFailedError(_reason(error)) from error
        self._require_modelled(stack, blueprint, wanted)
        for declaration in wanted:
            before = stack.resources.get(declaration.logical_id)
            try:
                self._bring(stack, declaration, self.evaluator.properties(declaration, blueprint, resolver), done)
            except FAILURES as error:
                verb = "create" if before is None else "update"
                physical_id = before.physical_id if before else ""
                stack.note(declaration, physical_id, f"{verb.upper()}_FAILED", _reason(error))
                raise StackFailedError(
                    f"The following resource(s) failed to {verb}: [{declaration.logical_id}]."
                ) from error
        try:
            outputs = self.evaluator.outputs(blueprint, resolver)
            self.evaluator.require_exports_kept(stack, outputs)
        except RequestError as error:
            raise StackFailedError(error.message) from error
        stack.outputs, stack.imports = outputs, frozenset(imports)

    def _require_modelled(self, stack: Stack, blueprint: Blueprint, wanted: Sequence[Declaration]) -> None:
        """Fail, before anything is created, where a resource cannot be created as declared."""
        reasons = self.evaluator.unmodelled(stack, blueprint, wanted)
        for name, reason in reasons.items():
            known = stack.resources.get(name)
            status = "UPDATE_FAILED" if known else "CREATE_FAILED"
            stack.note(blueprint.template.resources[name], known.physical_id if known else "", status, reason)
        if reasons:
            verb = "update" if set(reasons) <= set(stack.resources) else "create"
            raise StackFailedError(f"The following resource(s) failed to {verb}: [{', '.join(reasons)}].")

    def _bring(self, stack: Stack, declaration: Declaration, properties: Mapping[str, Any], done: list[_Done]) -> None:
        """Create, update or replace one resource; a replaced one is deleted once everything else has been updated."""
        before = stack.resources.get(declaration.logical_id)
        if before is None:
            stack.note(declaration, "", "CREATE_IN_PROGRESS")
            after = self._create(stack, declaration, properties)
            done.append(_Done(None, after, replaced=False))
            stack.note(declaration, after.physical_id, "CREATE_COMPLETE")
            return
        found = difference(before, declaration, properties, self.evaluator.types[declaration.type].replacing)
        replaces = found.replaces
        if not replaces:
            if not found.properties:
                stack.resources[declaration.logical_id] = replace(before, declaration=declaration)
                return
            stack.note(declaration, before.physical_id, "UPDATE_IN_PROGRESS")
            try:
                after = self._update(stack, before, declaration, properties)
            except ReplacementNeededError:
                replaces = True
            except FAILURES:
                # It may have failed half-way, so it is undone as well.
                half = Resource(declaration, properties, before.physical_id, before.attributes)
                done.append(_Done(before, half, replaced=False))
                raise
        if replaces:
            stack.note(declaration, before.physical_id, "UPDATE_IN_PROGRESS", _NEW_ONE)
            after = self._create(stack, declaration, properties)
        done.append(_Done(before, after, replaced=replaces))
        stack.note(declaration, after.physical_id, "UPDATE_COMPLETE")

    def _create(self, stack: Stack, declaration: Declaration, properties: Mapping[str, Any]) -> Resource:
        context = self.evaluator.context(stack, declaration)
        created = self.evaluator.types[declaration.type].create(context, properties)
        after = Resource(declaration, properties, created.physical_id, created.attributes)
        stack.resources[declaration.logical_id] = after
        return after

    def _update(
        self, stack: Stack, before: Resource, declaration: Declaration, properties: Mapping[str, Any]
    ) -> Resource:
        context = self.evaluator.context(stack, declaration)
        kind = self.evaluator.types[declaration.type]
        updated = kind.update(context, before.physical_id, before.properties, properties)
        after = Resource(declaration, properties, updated.physical_id, updated.attributes)
        stack.resources[declaration.logical_id] = after
        return after

    def _undo(self, stack: Stack, done: Sequence[_Done]) -> str | None:
        """Undo an update, last change first; return why that failed, None if it did not."""
        for step in reversed(done):
            declaration, before, after = step.after.declaration, step.before, step.after
            kind, context = self.evaluator.types[declaration.type], self.evaluator.context(stack, declaration)
            try:
                if before is None or step.replaced:
                    stack.note(declaration, after.physical_id, "DELETE_IN_PROGRESS")
                    kind.delete(context, after.physical_id, after.properties)
                    stack.note(declaration, after.physical_id, "DELETE_COMPLETE")
                else:
                    stack.note(before.declaration, before.physical_id, "UPDATE_IN_PROGRESS")
                    kind.update(context, before.physical_id, after.properties, before.properties)
                if before is not None:
                    stack.note(before.declaration, before.physical_id, "UPDATE_COMPLETE")
            except FAILURES as error:
                stack.note(declaration, after.physical_id, "UPDATE_FAILED", _reason(error))
                return f"The following resource(s) failed to update: [{declaration.logical_id}]."
        return None

    def _clean_up(
        self, stack: Stack, blueprint: Blueprint, before: Mapping[str, Resource], done: Sequence[_Done]
    ) -> None:
        """Delete replaced and undeclared resources, dependents first; a failure is only recorded."""
        replaced = {step.before.declaration.logical_id for step in done if step.replaced and step.before}
        resolver = self.evaluator.deployed(stack, blueprint, set())
        kept = {declaration.logical_id for declaration in self.evaluator.wanted(blueprint, resolver)}
        old = {name: resource.declaration for name, resource in before.items()}
        for name in reversed(in_order(old)):
            if name in kept and name not in replaced:
                continue
            declaration = old[name]
            policy = declaration.update_replace_policy if name in kept else declaration.deletion_policy
            self._remove(stack, before[name], kept=policy != "Delete")
            if name not in kept:
                del stack.resources[name]

    def _remove_all(self, stack: Stack, retained: Sequence[str]) -> str | None:
        """Delete all resources of a stack, dependents first; return why that failed, None if it did not."""
        old = {name: resource.declaration for name, resource in stack.resources.items()}
        failed: list[str] = []
        needed: set[str] = set()
        for name in reversed(in_order(old)):
            kept = old[name].deletion_policy in retained
            if name in needed or not self._remove(stack, stack.resources[name], kept):
                if name not in needed:
                    failed.append(name)
                # Resources that a remaining one needs must stay too.
                needed |= needs(old[name], old)
                continue
            del stack.resources[name]
        if not failed:
            stack.outputs, stack.imports = [], frozenset()
            return None
        return f"The following resource(s) failed to delete: [{', '.join(failed)}]."

    def _remove(self, stack: Stack, resource: Resource, kept: bool) -> bool:
        """Delete one resource, or skip it if it is to be kept; return whether it left the stack."""
        declaration = resource.declaration
        if kept:
            stack.note(declaration, resource.physical_id, "DELETE_SKIPPED")
            return True
        stack.note(declaration, resource.physical_id, "DELETE_IN_PROGRESS")
        try:
            kind = self.evaluator.types[declaration.type]
            kind.delete(self.evaluator.context(stack, declaration), resource.physical_id, resource.properties)
        except FAILURES as error:
            stack.note(declaration, resource.physical_id, "DELETE_FAILED", _reason(error))
            return False
        stack.note(declaration, resource.physical_id, "DELETE_COMPLETE")
        return True


def _reason(error: Exception) -> str:
    """Return the reason for an event: a service's own message, else the error's type and message."""
    if isinstance(error, (RequestError, ClientError, BotoCoreError, ValueError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
