"""Describes requests to IAM itself: the ARN that they touch, and the condition keys of boundaries and policies."""

from collections.abc import Mapping
from typing import Any

from moto.iam.models import iam_backends

_ENTITIES = (
    ("InstanceProfileName", "instance-profile", "instance_profiles"),
    ("RoleName", "role", "roles"),
    ("UserName", "user", "users"),
    ("GroupName", "group", "groups"),
)
"""Parameter, word in the ARN, and collection in moto's IAM."""

_OF_ATTACHMENTS = ("Attach", "Detach")


def described(operation: str, parameters: Mapping[str, Any], account: str) -> tuple[str, dict[str, list[str]]]:
    """Return the ARN that a request to IAM touches, ``*`` if it names none, and its condition keys."""
    policy, context = parameters.get("PolicyArn"), {}
    if policy and operation.startswith(_OF_ATTACHMENTS):
        context["iam:policyarn"] = [str(policy)]
    elif policy:
        return str(policy), context
    path = str(parameters.get("Path", "/"))
    if operation == "CreatePolicy":
        return f"arn:aws:iam::{account}:policy{path}{parameters.get('PolicyName')}", context
    for parameter, kind, collection in _ENTITIES:
        name = parameters.get(parameter)
        if name is None:
            continue
        known: Any = iam_backends[account]["aws"]
        entity = next((each for each in getattr(known, collection).values() if each.name == name), None)
        boundary = parameters.get("PermissionsBoundary") or getattr(entity, "permissions_boundary_arn", None)
        if boundary:
            context["iam:permissionsboundary"] = [str(boundary)]
        return str(entity.arn) if entity else f"arn:aws:iam::{account}:{kind}{path}{name}", context
    return "*", context
