"""IAM: gaps of stock moto, and their patches."""

# ruff: noqa: F811 - the fixtures of the resource types

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.iam import AccessKey, User
from localcloud.moto_patches import iam
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, aws, context, tags  # noqa: F401 - fixtures
from tests.localcloud.moto_patches.in_process import apply


def user_with_key(context: ResourceContext) -> None:
    User().create(context, {"UserName": "evaluator"})
    AccessKey().create(context, {"UserName": "evaluator"})


def test_moto_removes_a_user_with_keys(context: ResourceContext) -> None:
    user_with_key(context)
    User().delete(context, "evaluator", {})


def test_a_user_with_keys_is_not_removed(context: ResourceContext, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, iam)
    user_with_key(context)
    with pytest.raises(ClientError, match=r"\(DeleteConflict\).*must delete access keys first"):
        User().delete(context, "evaluator", {})
