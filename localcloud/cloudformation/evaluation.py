"""Evaluates a blueprint: the resources that it declares, their properties, its outputs, and what it would change."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.cloudformation import parameters
from localcloud.cloudformation.changes import plan
from localcloud.cloudformation.context import Account, Deployed, Predicted
from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.intrinsics import NOTHING, Resolver
from localcloud.cloudformation.order import in_order
from localcloud.cloudformation.registry import Registry
from localcloud.cloudformation.resource import Client, ResourceContext, ResourceType
from localcloud.cloudformation.stacks import Blueprint, Change, Output, Stack
from localcloud.cloudformation.tags import with_stack_tags
from localcloud.cloudformation.template import Declaration


class Evaluator:
    """Evaluates the blueprints of stacks; ``client`` returns a client of a service in a region."""

    def __init__(
        self, types: Mapping[str, ResourceType], client: Callable[[str, str], Client], registry: Registry
    ) -> None:
        self.types = types
        self.registry = registry
        self._client = client

    def planned(self, stack: Stack, blueprint: Blueprint) -> list[Change]:
        """Return what deploying a blueprint would change."""
        account = self._account(stack)

        def resolve(declaration: Declaration, unknown: frozenset[str]) -> Mapping[str, Any]:
            resolver = self._resolver(stack, blueprint, Predicted(stack.resources, account, set(), unknown))
            return self.properties(declaration, blueprint, resolver)

        resolver = self._before_all(stack, blueprint)
        parameters.require_rules(blueprint.template, resolver)
        return plan(stack.resources, self.wanted(blueprint, resolver), resolve, self.types)

    def outputs_differ(self, stack: Stack, blueprint: Blueprint) -> bool:
        """Tell whether a blueprint that changes no resource changes outputs."""
        return self.outputs(blueprint, self.deployed(stack, blueprint, set())) != stack.outputs

    def deployed(self, stack: Stack, blueprint: Blueprint, imports: set[str]) -> Resolver:
        """Return what resolves a blueprint against the stack's resources, and collects the exports it uses."""
        return self._resolver(stack, blueprint, Deployed(stack.resources, self._account(stack), imports))

    def context(self, stack: Stack, declaration: Declaration) -> ResourceContext:
        """Return the context of a declared resource."""
        return ResourceContext(
            client=lambda service: self._client(service, stack.region),
            account=stack.account,
            region=stack.region,
            stack_name=stack.name,
            stack_id=stack.id,
            logical_id=declaration.logical_id,
        )

    def unmodelled(self, stack: Stack, blueprint: Blueprint, wanted: Sequence[Declaration]) -> Mapping[str, str]:
        """Return by logical id why declarations cannot be created: a resource without effect is worse than none."""
        resolver = self._before_all(stack, blueprint)
        reasons = {}
        for declaration in wanted:
            kind = self.types.get(declaration.type)
            if kind is None:
                reasons[declaration.logical_id] = f"The local cloud does not model {declaration.type}"
                continue
            unknown = [
                name
                for name, value in declaration.properties.items()
                if name not in kind.properties and resolver.resolve(value) is not NOTHING
            ]
            if unknown:
                names = ", ".join(sorted(unknown))
                reasons[declaration.logical_id] = f"The local cloud does not model {names} of {declaration.type}"
        return reasons

    def wanted(self, blueprint: Blueprint, resolver: Resolver) -> list[Declaration]:
        """Return the declarations whose condition holds, each after those that it needs."""
        declared = {
            name: declaration
            for name, declaration in blueprint.template.resources.items()
            if declaration.condition is None or resolver.holds(declaration.condition)
        }
        return [declared[name] for name in in_order(declared)]

    def outputs(self, blueprint: Blueprint, resolver: Resolver) -> list[Output]:
        """Return the outputs whose condition holds."""
        found = []
        for key, output in blueprint.template.section("Outputs").items():
            if "Condition" in output and not resolver.holds(output["Condition"]):
                continue
            value = resolver.resolve(output["Value"])
            if not isinstance(value, (str, int, float)):
                raise RequestError(f"Template format error: The Value field of output {key} must be a text")
            export = resolver.resolve(output["Export"]["Name"]) if "Export" in output else None
            found.append(Output(key, str(value), output.get("Description"), export))
        return found

    def properties(self, declaration: Declaration, blueprint: Blueprint, resolver: Resolver) -> Mapping[str, Any]:
        """Return a declaration's resolved properties, with the stack's tags."""
        properties = resolver.resolve(dict(declaration.properties))
        kind = self.types.get(declaration.type)
        modelled = kind is not None and "Tags" in kind.properties
        return with_stack_tags(declaration.type, properties, blueprint.tags) if modelled else properties

    def require_exports_kept(self, stack: Stack, outputs: Sequence[Output]) -> None:
        """Raise RequestError if outputs take another stack's export, or change one that is in use."""
        exports = {output.export: output.value for output in outputs if output.export}
        for name in exports:
            owner = self.registry.owner(stack, name)
            if owner is not None:
                raise RequestError(f"Export with name {name} is already exported by stack {owner}")
        for old in stack.outputs:
            if old.export is None or exports.get(old.export) == old.value:
                continue
            users = self.registry.users(stack, old.export)
            if users:
                verb = "updated" if old.export in exports else "deleted"
                raise RequestError(f"Export {old.export} cannot be {verb} as it is in use by {' and '.join(users)}")

    def _before_all(self, stack: Stack, blueprint: Blueprint) -> Resolver:
        """Return what resolves a blueprint before any of its resources exists."""
        everything = frozenset(blueprint.template.resources)
        return self._resolver(stack, blueprint, Predicted({}, self._account(stack), set(), everything))

    def _resolver(self, stack: Stack, blueprint: Blueprint, context: Deployed) -> Resolver:
        return Resolver(
            values={
                "AWS::AccountId": stack.account,
                "AWS::NotificationARNs": [],
                "AWS::Partition": "aws",
                "AWS::Region": stack.region,
                "AWS::StackId": stack.id,
                "AWS::StackName": stack.name,
                "AWS::URLSuffix": "amazonaws.com",
                **parameters.values(blueprint.template, blueprint.parameters, context.account.stored),
            },
            mappings=blueprint.template.section("Mappings"),
            conditions=blueprint.template.section("Conditions"),
            context=context,
        )

    def _account(self, stack: Stack) -> Account:
        return Account(
            client=lambda service: self._client(service, stack.region),
            exported=lambda name: self.registry.value(stack, name),
        )
