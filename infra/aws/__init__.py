"""Call AWS: clients, objects in S3, stacks and the CDK."""

from infra.aws import cdk, stacks
from infra.aws.client import CONNECTIONS, PAUSES, Aws, as_orchard_error, error_code, explained
from infra.aws.s3 import download, exists, folders, read_if_there, require_name

__all__ = [
    "CONNECTIONS",
    "PAUSES",
    "Aws",
    "as_orchard_error",
    "cdk",
    "download",
    "error_code",
    "exists",
    "explained",
    "folders",
    "read_if_there",
    "require_name",
    "stacks",
]
