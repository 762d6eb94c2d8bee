"""IAM: moto deletes a user with access keys, has no permissions boundaries of users, and simulates no policy.

AWS answers DeleteConflict for a user with keys. A simulation uses the evaluation of `localcloud.iam`, which also
decides about requests.
"""

from itertools import product
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import DeleteConflictException, NoSuchEntity
from moto.iam.models import IAMBackend, User
from moto.iam.responses import IamResponse

from localcloud.iam import principals
from localcloud.iam.policies import Action, decision
from localcloud.moto_patches import Replace


def apply(replace: Replace) -> None:
    """Refuse to delete a user with keys, keep users' boundaries, and simulate policies."""
    remove, make = IAMBackend.delete_user, IamResponse.create_user

    def delete_user(self: IAMBackend, user_name: str) -> None:
        if self.get_user(user_name).access_keys:
            raise DeleteConflictException("Cannot delete entity, must delete access keys first.")
        remove(self, user_name)

    def create_user(self: IamResponse) -> Any:  # noqa: ANN401 - moto's own
        answer = make(self)
        _bound(self.backend.get_user(self._get_param("UserName")), self._get_param("PermissionsBoundary"))
        return answer

    replace(IAMBackend, "delete_user", delete_user)
    replace(IamResponse, "create_user", create_user)
    replace(IamResponse, "put_user_permissions_boundary", _put_user_boundary)
    replace(IamResponse, "delete_user_permissions_boundary", _delete_user_boundary)
    replace(IamResponse, "simulate_principal_policy", _simulate)


def _put_user_boundary(self: IamResponse) -> ActionResult:
    _bound(self.backend.get_user(self._get_param("UserName")), self._get_param("PermissionsBoundary"))
    return EmptyResult()


def _delete_user_boundary(self: IamResponse) -> ActionResult:
    _bound(self.backend.get_user(self._get_param("UserName")), None)
    return EmptyResult()


def _bound(user: User, policy: str | None) -> None:
    """Give a user the boundary of a policy's ARN, in the form in which moto has a role's; None removes it."""
    bounded: Any = user
    bounded.permissions_boundary_arn = policy
    bounded.permissions_boundary = (
        {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy} if policy else None
    )


def _simulate(self: IamResponse) -> ActionResult:
    source = self._get_param("PolicySourceArn")
    found = principals.by_arn(source)
    if found is None:
        raise NoSuchEntity(f"The entity with ARN {source} cannot be found.")
    given = {
        entry["ContextKeyName"].lower(): entry["ContextKeyValues"] for entry in self._get_param("ContextEntries", [])
    }
    results = []
    for name, resource in product(self._get_param("ActionNames"), self._get_param("ResourceArns", ["*"])):
        action = Action(name, resource, {**found.context, **given})
        decided = "allowed" if found.unrestricted else decision(action, found.policies)
        results.append({
            "EvalActionName": name,
            "EvalResourceName": resource,
            "EvalDecision": decided,
            "MatchedStatements": [],
            "MissingContextValues": [],
        })  # fmt: skip
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})
