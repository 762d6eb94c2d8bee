"""S3: moto denies by bucket policies without their conditions, and requires one before a bucket takes access logs.

moto holds every caller to a bucket's policy, also the administrator. `localcloud.iam` decides who may do what before a
request reaches moto, and evaluates conditions; moto itself must deny nothing. AWS checks whether access logs may be
written when it writes them: a template of the CDK creates the logged bucket before the policy that names it.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from localcloud.moto_patches import Replace


def apply(replace: Replace) -> None:
    """Let everything through that reaches a bucket, and access logs be written."""
    replace(FakeBucket, "get_permission", _permitted)
    replace(FakeBucket, "_log_permissions_enabled_policy", _granted)


def _granted(self: FakeBucket, target_bucket: FakeBucket, target_prefix: str | None) -> bool:  # noqa: ARG001
    return True


def _permitted(self: Any, action: str, resource: str) -> PermissionResult:  # noqa: ANN401, ARG001
    return PermissionResult.PERMITTED
