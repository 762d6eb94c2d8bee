"""S3: moto applies bucket policies without their conditions, and requires one before a bucket accepts access logs.

moto applies a bucket's policy to every caller, also to the administrator. `localcloud.iam` decides before a request
reaches moto, and evaluates conditions; moto itself must deny nothing. AWS checks whether access logs may be written
when it writes them: the CDK creates the logged bucket before the policy that names it.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from localcloud.moto_patches import Replace


def apply(replace: Replace) -> None:
    """Allow every request that reaches a bucket, and access logs."""
    replace(FakeBucket, "get_permission", _permitted)
    replace(FakeBucket, "_log_permissions_enabled_policy", _granted)


def _granted(self: FakeBucket, target_bucket: FakeBucket, target_prefix: str | None) -> bool:  # noqa: ARG001
    return True


def _permitted(self: Any, action: str, resource: str) -> PermissionResult:  # noqa: ANN401, ARG001
    return PermissionResult.PERMITTED
