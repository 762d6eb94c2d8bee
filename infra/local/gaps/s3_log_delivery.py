"""S3: moto lets a bucket be logged only after the target's policy allows it; AWS does not look at the policy then.

CloudFormation makes a bucket and the policy of its log bucket in any order. What a missing permission really costs -
logs that never arrive - is nothing that this cloud could show: it delivers none.
"""

from moto.s3.models import FakeBucket

from infra.local import patching


def close() -> None:
    """Take every bucket for one that logs may be delivered to."""

    def allowed(target_bucket: FakeBucket, target_prefix: str | None) -> bool:  # noqa: ARG001 - moto's own names
        return True

    patching.replace(FakeBucket, "_log_permissions_enabled_policy", staticmethod(allowed))
