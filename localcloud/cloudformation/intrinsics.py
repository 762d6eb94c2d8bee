"""Resolves a template's intrinsic functions, pseudo parameters and conditions to values."""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud.cloudformation.errors import RequestError

_PLACEHOLDER = re.compile(r"\$\{(!?[^}]+)\}")
_DYNAMIC = re.compile(r"\{\{resolve:([^:}]+):([^}]+)\}\}")


KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""Shown in change sets, as on AWS, for values that are known only after a resource has been created."""


class _Nothing:
    """The value of ``AWS::NoValue``: the property or item that holds it is left out."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NOTHING = _Nothing()


class TemplateContext(Protocol):
    """Values from the cloud and the stack that a template's functions use."""

    def reference(self, logical_id: str) -> Any:  # noqa: ANN401
        """Return what ``Ref`` of a resource gives."""

    def attribute(self, logical_id: str, name: str) -> Any:  # noqa: ANN401
        """Return what ``Fn::GetAtt`` of a resource gives."""

    def imported(self, name: str) -> Any:  # noqa: ANN401
        """Return the value of another stack's export."""

    def zones(self, region: str) -> Sequence[str]:
        """Return the names of a region's availability zones."""

    def dynamic(self, service: str, key: str) -> str:
        """Return the value of a dynamic reference, such as ``{{resolve:ssm:name}}``."""


@dataclass
class Resolver:
    """Resolves the functions of a template to values."""

    values: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    context: TemplateContext
    _met: dict[str, bool] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:  # noqa: ANN401
        """Return a value with every function in it replaced by its result."""
        if isinstance(value, dict):
            if len(value) == 1:
                name, argument = next(iter(value.items()))
                if name == "Ref":
                    return self._reference(argument)
                if isinstance(name, str) and name.startswith("Fn::"):
                    return self._call(name, argument)
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not NOTHING}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NOTHING]
        if isinstance(value, str) and "{{resolve:" in value:
            return _DYNAMIC.sub(lambda found: self.context.dynamic(found[1], found[2]), value)
        return value

    def holds(self, condition: str) -> bool:
        """Tell whether a named condition of the template is met."""
        if condition not in self.conditions:
            raise RequestError(f"Template error: unresolved condition dependency {condition}")
        if condition not in self._met:
            self._met[condition] = self.test(self.conditions[condition])
        return self._met[condition]

    def test(self, expression: Any) -> bool:  # noqa: ANN401
        """Tell whether an expression of conditions and rules is met."""
        if isinstance(expression, dict) and set(expression) == {"Condition"}:
            return self.holds(expression["Condition"])
        found = self.resolve(expression)
        if isinstance(found, bool):
            return found
        if str(found).lower() in ("true", "false"):
            return str(found).lower() == "true"
        raise RequestError(f"Template error: {expression} is not a condition")

    def _reference(self, name: Any) -> Any:  # noqa: ANN401
        if name == "AWS::NoValue":
            return NOTHING
        if name in self.values:
            return self.values[name]
        if isinstance(name, str) and name.startswith("AWS::"):
            raise RequestError(f"The local cloud does not model {name}")
        return self.context.reference(name)

    def _call(self, name: str, argument: Any) -> Any:  # noqa: ANN401
        function = _FUNCTIONS.get(name)
        if function is None:
            raise RequestError(f"The local cloud does not model {name}")
        try:
            return function(self, argument)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            raise RequestError(f"Template error: {name} cannot be resolved: {argument} ({error})") from error

    def _get_attribute(self, argument: Any) -> Any:  # noqa: ANN401
        logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.context.attribute(logical_id, self.resolve(name))

    def _substitute(self, argument: Any) -> str:  # noqa: ANN401
        text, given = (argument, {}) if isinstance(argument, str) else argument
        own = {key: self.resolve(item) for key, item in given.items()}

        def value(found: "re.Match[str]") -> str:
            name = found[1].strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return _as_text(own[name])
            if "." in name and name not in self.values:
                return _as_text(self.context.attribute(*name.split(".", 1)))
            return _as_text(self._reference(name))

        return str(self.resolve(_PLACEHOLDER.sub(value, text)))

    def _join(self, argument: Any) -> str:  # noqa: ANN401
        separator, items = argument
        return str(self.resolve(str(separator).join(_as_text(item) for item in self.resolve(items))))

    def _select(self, argument: Any) -> Any:  # noqa: ANN401
        index, items = self.resolve(argument[0]), self.resolve(argument[1])
        if items == KNOWN_AFTER_APPLY:
            return items
        if not 0 <= int(index) < len(items):
            raise RequestError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[int(index)]

    def _find_in_map(self, argument: Any) -> Any:  # noqa: ANN401
        name, first, second = (self.resolve(item) for item in argument[:3])
        try:
            return self.resolve(self.mappings[name][first][second])
        except KeyError as error:
            raise RequestError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from error

    def _when(self, argument: Any) -> Any:  # noqa: ANN401
        condition, met, unmet = argument
        return self.resolve(met if self.holds(condition) else unmet)

    def _cidr(self, argument: Any) -> list[str]:  # noqa: ANN401
        block, count, *bits = self.resolve(argument)
        network = ipaddress.ip_network(block)
        prefix = network.max_prefixlen - int(bits[0] if bits else 8)
        return [str(part) for part, _ in zip(network.subnets(new_prefix=prefix), range(int(count)), strict=False)]


def _as_text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)) or value is NOTHING:
        raise RequestError(f"Template error: a text is asked for, not {value}")
    return str(value)


def _equal(resolver: Resolver, argument: Any) -> bool:  # noqa: ANN401
    left, right = resolver.resolve(argument)
    return left == right if isinstance(left, (dict, list)) else _as_text(left) == _as_text(right)


def _split(resolver: Resolver, argument: Any) -> Any:  # noqa: ANN401
    text = _as_text(resolver.resolve(argument[1]))
    return KNOWN_AFTER_APPLY if KNOWN_AFTER_APPLY in text else text.split(argument[0])


def _contains(resolver: Resolver, argument: Any) -> bool:  # noqa: ANN401
    items, item = resolver.resolve(argument)
    return item in items


def _each_in(resolver: Resolver, argument: Any) -> bool:  # noqa: ANN401
    items, allowed = resolver.resolve(argument)
    return all(item in allowed for item in items)


_FUNCTIONS: Mapping[str, Callable[[Resolver, Any], Any]] = {
    "Fn::And": lambda resolver, argument: all(resolver.test(item) for item in argument),
    "Fn::Base64": lambda resolver, argument: base64.b64encode(_as_text(resolver.resolve(argument)).encode()).decode(),
    "Fn::Cidr": Resolver._cidr,
    "Fn::Contains": _contains,
    "Fn::EachMemberIn": _each_in,
    "Fn::Equals": _equal,
    "Fn::FindInMap": Resolver._find_in_map,
    "Fn::GetAZs": lambda resolver, argument: list(
        resolver.context.zones(resolver.resolve(argument) or resolver.values["AWS::Region"])
    ),
    "Fn::GetAtt": Resolver._get_attribute,
    "Fn::If": Resolver._when,
    "Fn::ImportValue": lambda resolver, argument: resolver.context.imported(_as_text(resolver.resolve(argument))),
    "Fn::Join": Resolver._join,
    "Fn::Not": lambda resolver, argument: not resolver.test(argument[0]),
    "Fn::Or": lambda resolver, argument: any(resolver.test(item) for item in argument),
    "Fn::Select": Resolver._select,
    "Fn::Split": _split,
    "Fn::Sub": Resolver._substitute,
}
