"""S3: moto holds every caller to a bucket's policy, also the administrator, and knows none of its conditions.

A policy that denies what is not encrypted on its way would so deny everything to everybody. Who may do what is decided
before a request reaches moto (`localcloud.iam`), where conditions are evaluated; moto itself is to deny nothing.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from localcloud import patching


def close() -> None:
    """Let everything through that reaches a bucket."""
    patching.replace(FakeBucket, "get_permission", _permitted)


def _permitted(self: Any, action: str, resource: str) -> PermissionResult:  # noqa: ANN401, ARG001
    return PermissionResult.PERMITTED
