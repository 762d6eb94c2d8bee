"""A small evaluator of IAM policies: whether an action on a resource is allowed.

Knows what the project's policies use: Allow and Deny, wildcards in actions and resources, and the condition
operators below. What it does not know it refuses to judge.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

Statement = dict[str, Any]


def allowed(
    statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether identity policies allow an action: some statement allows it and none denies it.

    Parameters
    ----------
    statements
        Of all policies of the principal, references resolved.
    action
        As IAM spells it, ``s3:GetObject``.
    resource
        ARN of what it is done to; ``*`` for actions on nothing in particular.
    context
        Condition keys of the request.
    """
    effects = [
        statement["Effect"]
        for statement in statements
        if _applies(statement, action, resource, context or {})
    ]
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    if unknown:
        raise NotImplementedError(f"this evaluator does not know {unknown}")
    return (
        any(_matches(action.lower(), pattern.lower()) for pattern in _list(statement["Action"]))
        and any(_matches(resource, pattern) for pattern in _list(statement["Resource"]))
        and all(
            _holds(operator, key, wanted, context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: object, context: Mapping[str, str]) -> bool:
    actual = context.get(key)
    if actual is None:
        return False
    values = [str(value) for value in _list(wanted)]
    if operator in ("StringEquals", "Bool"):
        return actual in values
    if operator in ("StringLike", "ArnLike"):
        return any(_matches(actual, value) for value in values)
    raise NotImplementedError(f"this evaluator does not know the operator {operator}")


def _matches(value: str, pattern: str) -> bool:
    # IAM knows * and ?, and no brackets.
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
