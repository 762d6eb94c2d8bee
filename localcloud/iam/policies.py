"""Decides by policies whether a principal may do something, as IAM's evaluation logic has it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.iam.conditions import ConditionNotModelledError, Context, like, met

Policy = Mapping[str, Any]
"""A policy document."""

_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Action:
    """An action of a request.

    ``resource`` is an ARN, or ``*`` for an action without a resource or with an unknown one: then only statements about
    every resource apply.
    """

    name: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Policies:
    """All policies that apply to a principal.

    ``arns`` are the principal's names in resource policies: its own ARN, its role's, its account's root; for a service
    its host name. ``bounds`` are groups of policies that each must allow an action as well: a permissions boundary, a
    session's policy.
    """

    arns: frozenset[str]
    identity: Sequence[Policy]
    bounds: Sequence[Sequence[Policy]] = ()
    resource: Sequence[Policy] = ()


def allowed(action: Action, policies: Policies) -> bool:
    """Tell whether an action is allowed: no statement denies it, and at least one allows it."""
    return decision(action, policies) == "allowed"


def decision(action: Action, policies: Policies) -> str:
    """Return IAM's decision: ``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    everywhere = [*policies.identity, *policies.resource, *(policy for bound in policies.bounds for policy in bound)]
    if any(_applies(one, "Deny", action, policies.arns) for one in _statements(everywhere)):
        return "explicitDeny"
    if any(_applies(one, "Allow", action, policies.arns) for one in _statements(policies.resource)):
        return "allowed"
    everywhere_allowed = all(
        any(_applies(one, "Allow", action, policies.arns) for one in _statements(group))
        for group in (policies.identity, *policies.bounds)
    )
    return "allowed" if everywhere_allowed else "implicitDeny"


def _statements(policies: Iterable[Policy]) -> Iterable[Mapping[str, Any]]:
    for policy in policies:
        found = policy.get("Statement", [])
        yield from found if isinstance(found, list) else [found]


def _applies(statement: Mapping[str, Any], effect: str, action: Action, arns: frozenset[str]) -> bool:
    """Tell whether a statement of this effect is about an action of this principal."""
    if statement.get("Effect") != effect:
        return False
    if not _names(statement, "Action", action.name.lower(), str.lower):
        return False
    if not _names(statement, "Resource", action.resource, lambda text: _filled(text, action.context)):
        return False
    if not _about(statement, arns):
        return False
    try:
        return met(statement.get("Condition") or {}, action.context)
    except (ConditionNotModelledError, ValueError):
        return effect == "Deny"


def _names(statement: Mapping[str, Any], element: str, value: str, written: Callable[[str], str]) -> bool:
    """Tell whether a statement's element, or the absence from its ``Not`` form, covers a value."""
    if element in statement:
        return any(like(written(pattern), value) for pattern in _list(statement[element]))
    if f"Not{element}" in statement:
        return not any(like(written(pattern), value) for pattern in _list(statement[f"Not{element}"]))
    return element == "Resource"


def _about(statement: Mapping[str, Any], arns: frozenset[str]) -> bool:
    """Tell whether a statement applies to a principal; without ``Principal`` it applies to its holder."""
    if "NotPrincipal" in statement:
        return not _is_one_of(statement["NotPrincipal"], arns)
    return "Principal" not in statement or _is_one_of(statement["Principal"], arns)


def _is_one_of(principal: Any, arns: frozenset[str]) -> bool:  # noqa: ANN401
    if principal == "*":
        return True
    named = [*_list(principal.get("AWS", [])), *_list(principal.get("Service", []))]
    return "*" in named or any(name in arns or f"arn:aws:iam::{name}:root" in arns for name in named)


def _filled(pattern: str, context: Context) -> str:
    """Replace a policy's variables, such as ``${aws:username}``; one without a value matches nothing."""
    return _VARIABLE.sub(lambda found: (context.get(found[1].lower()) or ["\0"])[0], pattern)


def _list(value: Any) -> list[str]:  # noqa: ANN401
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
