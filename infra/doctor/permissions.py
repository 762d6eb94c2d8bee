"""Check the permissions of the caller by a simulation of the operator's policy."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.aws import cdk, error_code
from infra.doctor.finding import Account, Finding, failure, ok, warning

POLICY = cdk.PROJECT / "docs" / "policies" / "operator.json"
_BOUNDARY = "@aws-cdk/core:permissionsBoundary"
"""The CDK's own setting in cdk.json: the policy that limits every role and user of the stacks."""
_NOT_CHECKED = "attach docs/policies/operator.json, which also allows iam:SimulatePrincipalPolicy"
_SHOWN = 5


class Simulation(NamedTuple):
    """Actions to simulate on ARNs, with values of condition keys."""

    actions: list[str]
    arns: list[str]
    context: Mapping[str, str]


def boundary(account: Account) -> Finding:
    """Find out whether the policy exists that limits every role and user of the stacks."""
    name = cdk.context().get(_BOUNDARY, {}).get("name")
    if name is None:
        return ok(f"not checked: cdk.json has no name in {_BOUNDARY}")
    try:
        account.aws.client("iam").get_policy(PolicyArn=f"arn:aws:iam::{account.id}:policy/{name}")
    except ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        command = f"iam create-policy --policy-name {name} --policy-document file://docs/policies/boundary.json"
        return failure(f"Every role requires the policy {name}, found none.", account.aws.typed(command))
    return ok(f"the policy {name} exists")


def simulated(account: Account) -> Finding:
    """Find out whether the caller may do everything that the operator's policy allows."""
    if account.caller.endswith(":root"):
        return ok("the root user may do everything; use a role or a user instead")
    iam = account.aws.client("iam")
    source = _principal(account, iam)
    denied: list[str] = []
    try:
        for each in simulations(json.loads(POLICY.read_text(encoding="utf-8")), account.id, account.aws.region):
            entries = [
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in each.context.items()
            ]
            pages = iam.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=source, ActionNames=each.actions, ResourceArns=each.arns, ContextEntries=entries
            )
            results = [result for page in pages for result in page["EvaluationResults"]]
            denied += [one["EvalActionName"] for one in results if one["EvalDecision"] != "allowed"]
    except ClientError as error:
        if error_code(error) not in ("NoSuchEntity", "InvalidInput", "AccessDenied"):
            raise
        return warning(f"not checked: the policies of {source} cannot be simulated", _NOT_CHECKED)
    if not denied:
        return ok("all of docs/policies/operator.json, by simulation")
    names = sorted(set(denied))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return failure(
        f"Not allowed: {', '.join(names[:_SHOWN])}{more}.", f"attach docs/policies/operator.json to {source}"
    )


def simulations(policy: Mapping[str, Any], account: str, region: str) -> Iterator[Simulation]:
    """Yield what to simulate for each statement of a policy, with example ARNs in place of wildcards.

    Statements about the user's own sessions are left out: their ARNs hold a variable.
    """
    for statement in policy["Statement"]:
        arns = [_example(arn, account, region) for arn in _list(statement["Resource"])]
        if any("${" in arn for arn in arns):
            continue
        conditions = statement.get("Condition", {}).values()
        context = {key: str(_list(value)[0]) for keys in conditions for key, value in keys.items()}
        yield Simulation(_list(statement["Action"]), arns, context)


def _example(arn: str, account: str, region: str) -> str:
    if arn == "*":
        return arn
    parts = arn.split(":", 5)
    if parts[3] == "*":
        parts[3] = region
    if parts[4] == "*":
        parts[4] = account
    parts[5] = parts[5].replace("*", "example")
    return ":".join(parts)


def _principal(account: Account, iam: Any) -> str:  # noqa: ANN401 - boto3 client
    """Return the ARN of the user or role behind the credentials: a session is not simulated itself."""
    resource = account.caller.split(":", 5)[5]
    if not resource.startswith("assumed-role/"):
        return account.caller
    role = resource.split("/")[1]
    try:
        # Only IAM knows the path in a role's ARN.
        return str(iam.get_role(RoleName=role)["Role"]["Arn"])
    except ClientError as error:
        if error_code(error) not in ("AccessDenied", "NoSuchEntity"):
            raise
        return f"arn:aws:iam::{account.id}:role/{role}"


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
