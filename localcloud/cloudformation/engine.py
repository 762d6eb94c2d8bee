"""Makes, changes and removes the resources of a stack, in order, and undoes what it did when it fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloudformation import parameters
from localcloud.cloudformation.changes import difference, plan
from localcloud.cloudformation.context import Account, Deployed, Predicted, Seen
from localcloud.cloudformation.failures import FormationError
from localcloud.cloudformation.intrinsics import NOTHING, Resolver
from localcloud.cloudformation.order import in_order, needs
from localcloud.cloudformation.resource import Place, ReplacementNeededError, ResourceType
from localcloud.cloudformation.stacks import Blueprint, Change, Output, Resource, Stack
from localcloud.cloudformation.tags import with_stack_tags
from localcloud.cloudformation.template import Declaration

FAILURES: tuple[type[Exception], ...] = (Exception,)
"""Whatever a resource type raises fails its resource by name, with the reason: no stack is left without a state."""

_NEW_ONE = "Requested update requires the creation of a new physical resource; hence creating one."


class Exports(Protocol):
    """What the stacks of an account and region give one another."""

    def value(self, stack: Stack, name: str) -> str:
        """Return the value of an export that a stack asks for; raise FormationError where there is none."""

    def users(self, stack: Stack, name: str) -> Sequence[str]:
        """Return the names of the other stacks that use an export of a stack."""

    def owner(self, stack: Stack, name: str) -> str | None:
        """Return the name of another stack that has an export of this name already."""


class StackFailedError(Exception):
    """An operation on a stack could not be finished; its message is the reason that the stack shows."""


@dataclass(frozen=True)
class _Done:
    """One thing that an update did: what was before it (None for nothing) and what is after it."""

    before: Resource | None
    after: Resource
    replaced: bool


class Engine:
    """Brings stacks to what their blueprints say."""

    def __init__(
        self,
        types: Mapping[str, ResourceType],
        client: Callable[[str, str], Any],
        exports: Exports,
    ) -> None:
        self.types = types
        self._client = client
        self._exports = exports

    def planned(self, stack: Stack, blueprint: Blueprint) -> list[Change]:
        """Return what deploying a blueprint would change."""
        seen, account = Seen(), self._account(stack)

        def resolve(declaration: Declaration, unknown: frozenset[str]) -> Mapping[str, Any]:
            resolver = self._resolver(stack, blueprint, Predicted(stack.resources, account, seen, unknown))
            return self._properties(declaration, blueprint, resolver)

        everything = frozenset(blueprint.template.resources)
        resolver = self._resolver(stack, blueprint, Predicted({}, account, seen, everything))
        parameters.require_rules(blueprint.template, resolver)
        return plan(stack.resources, self._wanted(blueprint, resolver), resolve, self.types)

    def outputs_differ(self, stack: Stack, blueprint: Blueprint) -> bool:
        """Tell whether a blueprint that changes no resource changes outputs."""
        deployed = Deployed(stack.resources, self._account(stack), Seen())
        return self._outputs(blueprint, self._resolver(stack, blueprint, deployed)) != stack.outputs

    def create(self, stack: Stack, blueprint: Blueprint) -> None:
        """Make everything of a new stack, or remove again what was made."""
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
        """Bring a stack to a new blueprint, or back to what it was."""
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
        """Remove everything of a stack; what cannot be removed stays, and the stack with it."""
        stack.enter("DELETE_IN_PROGRESS", "User Initiated")
        for output in stack.outputs:
            users = self._exports.users(stack, output.export) if output.export else ()
            if users:
                stack.enter(
                    "DELETE_FAILED",
                    f"Export {output.export} cannot be deleted as it is in use by {' and '.join(users)}",
                )
                return
        failed = self._remove_all(stack, retained=("Retain", "RetainExceptOnCreate"))
        stack.enter("DELETE_FAILED" if failed else "DELETE_COMPLETE", failed)

    def _deploy(self, stack: Stack, blueprint: Blueprint, done: list[_Done]) -> None:
        """Make and change everything in order; what is no longer wanted stays for the time being."""
        seen = Seen()
        try:
            resolver = self._resolver(stack, blueprint, Deployed(stack.resources, self._account(stack), seen))
            parameters.require_rules(blueprint.template, resolver)
            wanted = self._wanted(blueprint, resolver)
        except FAILURES as error:
            raise StackFailedError(_reason(error)) from error
        self._require_modelled(stack, blueprint, wanted)
        for declaration in wanted:
            before = stack.resources.get(declaration.logical_id)
            try:
                self._bring(stack, declaration, self._properties(declaration, blueprint, resolver), done)
            except FAILURES as error:
                verb = "create" if before is None else "update"
                physical_id = before.physical_id if before else ""
                stack.note(declaration, physical_id, f"{verb.upper()}_FAILED", _reason(error))
                raise StackFailedError(
                    f"The following resource(s) failed to {verb}: [{declaration.logical_id}]."
                ) from error
        try:
            outputs = self._outputs(blueprint, resolver)
            self._require_exports_kept(stack, outputs)
        except FormationError as error:
            raise StackFailedError(error.message) from error
        stack.outputs, stack.imports = outputs, frozenset(seen.imports)

    def _bring(self, stack: Stack, declaration: Declaration, properties: Mapping[str, Any], done: list[_Done]) -> None:
        """Make one resource what it is to be."""
        before = stack.resources.get(declaration.logical_id)
        if before is None:
            self._make(stack, declaration, properties, done)
            return
        kind = self.types[declaration.type]
        found = difference(before, declaration, properties, kind.replacing)
        if found.replaces:
            self._replace(stack, before, declaration, properties, done)
        elif found.properties:
            stack.note(declaration, before.physical_id, "UPDATE_IN_PROGRESS")
            try:
                self._change(stack, before, declaration, properties, done)
            except ReplacementNeededError:
                self._replace(stack, before, declaration, properties, done)
        else:
            stack.resources[declaration.logical_id] = replace(before, declaration=declaration)

    def _make(self, stack: Stack, declaration: Declaration, properties: Mapping[str, Any], done: list[_Done]) -> None:
        stack.note(declaration, "", "CREATE_IN_PROGRESS")
        after = self._create(stack, None, declaration, properties, done)
        stack.note(declaration, after.physical_id, "CREATE_COMPLETE")

    def _replace(
        self,
        stack: Stack,
        before: Resource,
        declaration: Declaration,
        properties: Mapping[str, Any],
        done: list[_Done],
    ) -> None:
        """Make a new resource; the old one is removed once everything else has been changed."""
        stack.note(declaration, before.physical_id, "UPDATE_IN_PROGRESS", _NEW_ONE)
        after = self._create(stack, before, declaration, properties, done)
        stack.note(declaration, after.physical_id, "UPDATE_COMPLETE")

    def _create(
        self,
        stack: Stack,
        before: Resource | None,
        declaration: Declaration,
        properties: Mapping[str, Any],
        done: list[_Done],
    ) -> Resource:
        """Return a new resource, made in the place of the one before it where there is one."""
        made = self.types[declaration.type].create(self._place(stack, declaration), properties)
        after = Resource(declaration, properties, made.physical_id, made.attributes)
        stack.resources[declaration.logical_id] = after
        done.append(_Done(before, after, replaced=before is not None))
        return after

    def _change(
        self,
        stack: Stack,
        before: Resource,
        declaration: Declaration,
        properties: Mapping[str, Any],
        done: list[_Done],
    ) -> None:
        """Change a resource in place; what fails half-way is noted as done, so that it is taken back as well."""
        kind, place = self.types[declaration.type], self._place(stack, declaration)
        try:
            made = kind.update(place, before.physical_id, before.properties, properties)
        except ReplacementNeededError:
            raise
        except FAILURES:
            half = Resource(declaration, properties, before.physical_id, before.attributes)
            done.append(_Done(before, half, replaced=False))
            raise
        after = Resource(declaration, properties, made.physical_id, made.attributes)
        stack.resources[declaration.logical_id] = after
        done.append(_Done(before, after, replaced=False))
        stack.note(declaration, after.physical_id, "UPDATE_COMPLETE")

    def _undo(self, stack: Stack, done: Sequence[_Done]) -> str | None:
        """Take back what an update did, the last first; return why that failed, None if it did not."""
        for step in reversed(done):
            declaration, before, after = step.after.declaration, step.before, step.after
            kind, place = self.types[declaration.type], self._place(stack, declaration)
            try:
                if before is None or step.replaced:
                    stack.note(declaration, after.physical_id, "DELETE_IN_PROGRESS")
                    kind.delete(place, after.physical_id, after.properties)
                    stack.note(declaration, after.physical_id, "DELETE_COMPLETE")
                else:
                    stack.note(before.declaration, before.physical_id, "UPDATE_IN_PROGRESS")
                    kind.update(place, before.physical_id, after.properties, before.properties)
                if before is not None:
                    stack.note(before.declaration, before.physical_id, "UPDATE_COMPLETE")
            except FAILURES as error:
                stack.note(declaration, after.physical_id, "UPDATE_FAILED", _reason(error))
                return f"The following resource(s) failed to update: [{declaration.logical_id}]."
        return None

    def _clean_up(
        self, stack: Stack, blueprint: Blueprint, before: Mapping[str, Resource], done: Sequence[_Done]
    ) -> None:
        """Remove what was replaced or is no longer wanted, what needs others first; a failure there is only noted."""
        replaced = {step.before.declaration.logical_id for step in done if step.replaced and step.before}
        resolver = self._resolver(stack, blueprint, Deployed(stack.resources, self._account(stack), Seen()))
        kept = {declaration.logical_id for declaration in self._wanted(blueprint, resolver)}
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
        """Remove everything of a stack, what needs others first; return why that failed, None if it did not."""
        old = {name: resource.declaration for name, resource in stack.resources.items()}
        failed: list[str] = []
        needed: set[str] = set()
        for name in reversed(in_order(old)):
            kept = old[name].deletion_policy in retained
            if name in needed or not self._remove(stack, stack.resources[name], kept):
                if name not in needed:
                    failed.append(name)
                # What another one that is still there needs cannot go either.
                needed |= needs(old[name], old)
                continue
            del stack.resources[name]
        if not failed:
            stack.outputs, stack.imports = [], frozenset()
            return None
        return f"The following resource(s) failed to delete: [{', '.join(failed)}]."

    def _remove(self, stack: Stack, resource: Resource, kept: bool) -> bool:
        """Remove one resource, or leave it where it is to be kept; tell whether the stack is rid of it."""
        declaration = resource.declaration
        if kept:
            stack.note(declaration, resource.physical_id, "DELETE_SKIPPED")
            return True
        stack.note(declaration, resource.physical_id, "DELETE_IN_PROGRESS")
        try:
            kind = self.types[declaration.type]
            kind.delete(self._place(stack, declaration), resource.physical_id, resource.properties)
        except FAILURES as error:
            stack.note(declaration, resource.physical_id, "DELETE_FAILED", _reason(error))
            return False
        stack.note(declaration, resource.physical_id, "DELETE_COMPLETE")
        return True

    def _require_modelled(self, stack: Stack, blueprint: Blueprint, wanted: Sequence[Declaration]) -> None:
        """Refuse, before anything is made, what would otherwise be a hollow resource."""
        everything = frozenset(blueprint.template.resources)
        resolver = self._resolver(stack, blueprint, Predicted({}, self._account(stack), Seen(), everything))
        failed = []
        for declaration in wanted:
            reason = None
            kind = self.types.get(declaration.type)
            if kind is None:
                reason = f"Orchard's local cloud does not model {declaration.type}"
            else:
                set_here = [
                    name
                    for name, value in declaration.properties.items()
                    if name not in kind.properties and resolver.resolve(value) is not NOTHING
                ]
                if set_here:
                    reason = f"Orchard's local cloud does not model {', '.join(sorted(set_here))} of {declaration.type}"
            if reason is not None:
                known = stack.resources.get(declaration.logical_id)
                verb = "UPDATE" if known else "CREATE"
                stack.note(declaration, known.physical_id if known else "", f"{verb}_FAILED", reason)
                failed.append(declaration.logical_id)
        if failed:
            verb = "update" if set(failed) <= set(stack.resources) else "create"
            raise StackFailedError(f"The following resource(s) failed to {verb}: [{', '.join(failed)}].")

    def _require_exports_kept(self, stack: Stack, outputs: Sequence[Output]) -> None:
        exports = {output.export: output.value for output in outputs if output.export}
        for name in exports:
            owner = self._exports.owner(stack, name)
            if owner is not None:
                raise FormationError(f"Export with name {name} is already exported by stack {owner}")
        for old in stack.outputs:
            if old.export is None or exports.get(old.export) == old.value:
                continue
            users = self._exports.users(stack, old.export)
            if users:
                verb = "updated" if old.export in exports else "deleted"
                raise FormationError(f"Export {old.export} cannot be {verb} as it is in use by {' and '.join(users)}")

    def _wanted(self, blueprint: Blueprint, resolver: Resolver) -> list[Declaration]:
        """Return what the blueprint's conditions leave, each after all that it needs."""
        declared = {
            name: declaration
            for name, declaration in blueprint.template.resources.items()
            if declaration.condition is None or resolver.holds(declaration.condition)
        }
        return [declared[name] for name in in_order(declared)]

    def _outputs(self, blueprint: Blueprint, resolver: Resolver) -> list[Output]:
        found = []
        for key, output in blueprint.template.section("Outputs").items():
            if "Condition" in output and not resolver.holds(output["Condition"]):
                continue
            value = resolver.resolve(output["Value"])
            if not isinstance(value, (str, int, float)):
                raise FormationError(f"Template format error: The Value field of output {key} must be a text")
            export = resolver.resolve(output["Export"]["Name"]) if "Export" in output else None
            found.append(Output(key, str(value), output.get("Description"), export))
        return found

    def _properties(self, declaration: Declaration, blueprint: Blueprint, resolver: Resolver) -> Mapping[str, Any]:
        properties = resolver.resolve(dict(declaration.properties))
        kind = self.types.get(declaration.type)
        modelled = kind is not None and "Tags" in kind.properties
        return with_stack_tags(declaration.type, properties, blueprint.tags) if modelled else properties

    def _resolver(self, stack: Stack, blueprint: Blueprint, surroundings: Deployed) -> Resolver:
        account = self._account(stack)
        return Resolver(
            values={
                "AWS::AccountId": stack.account,
                "AWS::NotificationARNs": [],
                "AWS::Partition": "aws",
                "AWS::Region": stack.region,
                "AWS::StackId": stack.id,
                "AWS::StackName": stack.name,
                "AWS::URLSuffix": "amazonaws.com",
                **parameters.values(blueprint.template, blueprint.parameters, account.stored),
            },
            mappings=blueprint.template.section("Mappings"),
            conditions=blueprint.template.section("Conditions"),
            surroundings=surroundings,
        )

    def _account(self, stack: Stack) -> Account:
        return Account(
            client=lambda service: self._client(service, stack.region),
            exported=lambda name: self._exports.value(stack, name),
        )

    def _place(self, stack: Stack, declaration: Declaration) -> Place:
        return Place(
            client=lambda service: self._client(service, stack.region),
            account=stack.account,
            region=stack.region,
            stack_name=stack.name,
            stack_id=stack.id,
            logical_id=declaration.logical_id,
        )


def _reason(error: Exception) -> str:
    """Return what an event says of a failure: a service's own words, with the kind of error where it has none."""
    if isinstance(error, (FormationError, ClientError, BotoCoreError, ValueError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
