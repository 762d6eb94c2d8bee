"""Finds the values of a template's parameters, and checks them against its constraints and rules."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.intrinsics import Resolver
from localcloud.cloudformation.template import Template

_STORED = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_LIMITS: Mapping[str, tuple[Callable[[str], float], int, str]] = {
    "MinLength": (len, 1, "contain a number of characters not less than"),
    "MaxLength": (len, -1, "contain a number of characters not greater than"),
    "MinValue": (float, 1, "be a number not less than"),
    "MaxValue": (float, -1, "be a number not greater than"),
}
_LIST = re.compile(r"List<.+>|CommaDelimitedList")


def given_values(template: Template, asked: Mapping[str, str | None], previous: Mapping[str, str]) -> Mapping[str, str]:
    """Return the text of every parameter: the value ``asked`` for, the previous one for None, else the default."""
    declared = template.section("Parameters")
    unknown = sorted(set(asked) - set(declared))
    if unknown:
        raise RequestError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found: dict[str, str] = {}
    missing = []
    for name, declaration in declared.items():
        value = asked.get(name)
        if value is None and name in asked:
            value = previous.get(name)
        if value is None:
            value = declaration.get("Default")
        if value is None:
            missing.append(name)
            continue
        found[name] = str(value)
        _require_allowed(name, found[name], declaration)
    if missing:
        raise RequestError(f"Parameters: [{', '.join(missing)}] must have values")
    return found


def values(template: Template, given: Mapping[str, str], stored: Callable[[str], str]) -> Mapping[str, Any]:
    """Return the value of every parameter as functions see it: lists split, and SSM parameters read by ``stored``."""
    found: dict[str, Any] = {}
    for name, declaration in template.section("Parameters").items():
        kind, text = str(declaration.get("Type", "String")), given[name]
        in_store = _STORED.fullmatch(kind)
        if in_store is not None:
            kind, text = in_store[1], stored(text)
        found[name] = _split(text) if _LIST.fullmatch(kind) else text
    return found


def shown(template: Template, given: Mapping[str, str], stored: Callable[[str], str]) -> list[dict[str, str]]:
    """Return parameters as DescribeStacks shows them: secret ones hidden, stored ones with what is read now."""
    answer = []
    for name, text in given.items():
        declaration = template.section("Parameters").get(name, {})
        hidden = str(declaration.get("NoEcho", "")).lower() == "true"
        entry = {"ParameterKey": name, "ParameterValue": "****" if hidden else text}
        if _STORED.fullmatch(str(declaration.get("Type", ""))):
            # A stack remains valid after a stored parameter was deleted, for instance with the CDK's own stack.
            with suppress(RequestError):
                entry["ResolvedValue"] = stored(text)
        answer.append(entry)
    return answer


def require_rules(template: Template, resolver: Resolver) -> None:
    """Raise RequestError if an assertion of the template's rules does not hold."""
    for name, rule in template.section("Rules").items():
        if "RuleCondition" in rule and not resolver.test(rule["RuleCondition"]):
            continue
        for assertion in rule["Assertions"]:
            if not resolver.test(assertion["Assert"]):
                raise RequestError(
                    f"Template error: rule {name}: {assertion.get('AssertDescription', 'does not hold')}"
                )


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text else []


def _require_allowed(name: str, value: str, declaration: Mapping[str, Any]) -> None:
    because = declaration.get("ConstraintDescription")
    allowed = declaration.get("AllowedValues")
    if allowed is not None and value not in map(str, allowed):
        raise RequestError(
            f"Parameter {name} failed to satisfy constraint: {because}"
            if because
            else f"Parameter '{name}' must be one of AllowedValues"
        )
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        raise RequestError(
            f"Parameter {name} failed to satisfy constraint: {because}"
            if because
            else f"Parameter '{name}' must match pattern {pattern}"
        )
    for key, (measure, sense, relation) in _LIMITS.items():
        if key in declaration and sense * (measure(value) - float(declaration[key])) < 0:
            raise RequestError(f"Parameter '{name}' must {relation} {declaration[key]}")
