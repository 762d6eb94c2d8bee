"""Single objects in S3 that may not be there: whether one is, and what is in it."""

from botocore.exceptions import ClientError

from infra.deploy.aws import Aws

_NOT_THERE = ("404", "NoSuchKey", "NotFound")


def exists(aws: Aws, bucket: str, key: str) -> bool:
    """Return whether an object is there."""
    try:
        aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return False
        raise
    return True


def read_if_there(aws: Aws, bucket: str, key: str) -> bytes | None:
    """Return an object's content, None where there is no such object."""
    try:
        return aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise
