"""S3: moto wants the policy of a bucket for access logs before another bucket may name it.

AWS looks whether the logs may be written when it writes them. A template of the CDK makes the bucket that is logged
before the policy, for the policy names that bucket: it could never be deployed.
"""

from moto.s3.models import FakeBucket

from localcloud import patching


def close() -> None:
    """Take permission to write access logs for given."""
    patching.replace(FakeBucket, "_log_permissions_enabled_policy", _granted)


def _granted(self: FakeBucket, target_bucket: FakeBucket, target_prefix: str | None) -> bool:  # noqa: ARG001
    return True
