"""No role or user of the stacks exceeds the permissions boundary, and an operator cannot get out of it."""

import json
from typing import Any

import botocore.session
import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from infra.settings import NETWORKS
from tests.infra.iam import allowed
from tests.infra.synthesis import ACCOUNT, Synthesise
from tests.infra.test_policies import BOUNDARY, statements
from tests.infra.test_wildcards import EVERYTHING

HOLDERS = ("AWS::IAM::Role", "AWS::IAM::User")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/OrchardCluster-PermissionsNodeRole-1X2Y"
USER = f"arn:aws:iam::{ACCOUNT}:user/OrchardAccess-Evaluator-1X2Y"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

IN_AN_ACCOUNT = {
    "Data": "orcharddata-data666c94c7-1x2y3z",
    "Logs": "orcharddata-logs6819bb44-1x2y3z",
    "PermissionsNodeRole": "OrchardCluster-PermissionsNodeRole-1X2Y",
}
"""Beginnings of logical ids, which the templates hold, and what CloudFormation makes of them."""

CONDITIONS = {
    "iam:PassRole": [{"iam:PassedToService": "ec2.amazonaws.com"}],
    "iam:CreateServiceLinkedRole": [
        {"iam:AWSServiceName": service} for service in ("spot.amazonaws.com", "elasticmapreduce.amazonaws.com")
    ],
}


@pytest.mark.parametrize("network", NETWORKS)
def test_every_role_and_user_has_the_boundary(environment: Synthesise, network: str) -> None:
    made = environment(network=network, **EVERYTHING)
    found = {
        name: made.resolve(stack, resource["Properties"].get("PermissionsBoundary"))
        for stack in made.stacks()
        for kind in HOLDERS
        for name, resource in made.resources(stack, kind).items()
    }
    assert len(found) == 3
    assert set(found.values()) == {BOUNDARY}


def granted(environment: Synthesise) -> set[tuple[str, str]]:
    """Return action and resource of everything that our own policies allow a role or user."""
    made, found = environment(**{**EVERYTHING, "tls_certificates": ""}), set[tuple[str, str]]()
    documents = [
        made.resolve(stack, policy["PolicyDocument"])
        for stack in made.stacks()
        for role in made.resources(stack, "AWS::IAM::Role").values()
        for policy in role["Properties"].get("Policies", [])
    ]
    documents += [
        made.resolve(stack, policy["Properties"]["PolicyDocument"])
        for stack in made.stacks()
        for policy in made.resources(stack, "AWS::IAM::ManagedPolicy").values()
    ]
    for document in documents:
        for statement in document["Statement"]:
            found |= {(a, deployed_arn(r)) for a in _list(statement["Action"]) for r in _list(statement["Resource"])}
    return found


def deployed_arn(resource: str) -> str:
    """Return an ARN with the name that a resource has once it is deployed."""
    start, separator, rest = resource.partition(":::") if ":::" in resource else resource.rpartition("/")
    name, slash, key = rest.partition("/")
    deployed = next((new for old, new in IN_AN_ACCOUNT.items() if name.startswith(old)), name)
    return f"{start}{separator}{deployed}{slash}{key}"


def test_the_boundary_allows_what_roles_and_users_need(environment: Synthesise) -> None:
    boundary, needed = statements("boundary.json"), granted(environment)
    assert len(needed) > 40
    assert [
        (action, resource)
        for action, resource in sorted(needed)
        if not any(allowed(boundary, action, resource, keys) for keys in CONDITIONS.get(action, [{}]))
    ] == []


def test_the_boundary_allows_what_emrs_own_policy_does() -> None:
    policy: dict[str, Any] = json.loads(aws_managed_policies_data)["AmazonEMRServicePolicy_v2"]
    actions = {action for statement in policy["Document"]["Statement"] for action in _list(statement["Action"])}
    boundary = statements("boundary.json")
    assert [one for one in sorted(actions - {"iam:PassRole"}) if not allowed(boundary, one, "*")] == []


def test_the_boundary_allows_no_change_of_iam() -> None:
    boundary = statements("boundary.json")
    operations = botocore.session.get_session().get_service_model("iam").operation_names
    places = ("*", ROLE, USER, BOUNDARY, f"arn:aws:iam::{ACCOUNT}:role/Admin")
    asked = {"iam:PassedToService": "ec2.amazonaws.com", "iam:AWSServiceName": "spot.amazonaws.com"}
    open_to = {name for name in operations for place in places if allowed(boundary, f"iam:{name}", place, asked)}
    assert open_to == {"CreateServiceLinkedRole"}
    assert not allowed(boundary, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", asked)
    assert not allowed(boundary, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin")


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, {}),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": ADMINISTRATOR}),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:PutRolePolicy", ROLE, {}),
        ("iam:AttachRolePolicy", ROLE, {"iam:PermissionsBoundary": BOUNDARY, "iam:PolicyARN": ADMINISTRATOR}),
        ("iam:PutRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": ADMINISTRATOR}),
        ("iam:DeleteRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:CreateUser", USER, {}),
        ("iam:AttachUserPolicy", USER, {"iam:PermissionsBoundary": BOUNDARY, "iam:PolicyARN": ADMINISTRATOR}),
        ("iam:PutUserPolicy", USER, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:DeleteUserPermissionsBoundary", USER, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:CreateLoginProfile", USER, {}),
        ("iam:CreatePolicyVersion", BOUNDARY, {}),
        ("iam:SetDefaultPolicyVersion", BOUNDARY, {}),
        ("iam:DeletePolicy", BOUNDARY, {}),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {}),
    ],
)
@pytest.mark.parametrize("policy", ["cloudformation.json", "operator.json"])
def test_an_operator_cannot_become_administrator(
    policy: str, action: str, resource: str, context: dict[str, str]
) -> None:
    assert not allowed(statements(policy), action, resource, context)


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
