"""Print the buckets that an earlier destroy has kept, with the commands that copy or delete what is in them."""

from infra.aws import Aws, explained, stacks
from infra.context import Context
from infra.teardown import tagged_resources
from job.errors import OrchardError

DATA_FOLDERS = ("images", "results", "notebooks", "jupyter")
"""Folders of the data bucket that no command can create again."""


def say_what_was_kept(context: Context) -> None:
    """Print kept buckets after a deployment, with the commands for everything in them."""
    aws = context.aws
    for bucket in tagged_resources.kept_buckets(aws):
        context.say(f"The bucket {bucket} was kept from an earlier deployment.")
        for folder in kept_data(aws, bucket):
            context.say(f"  copy:   {copy(aws, bucket, stacks.data_bucket(aws), folder)}")
        context.say(f"  delete: {delete(aws, bucket)}")


def say_where_the_set_is_kept(context: Context, bucket: str, prefix: str) -> None:
    """Print kept buckets with a set that the current bucket lacks; ``prefix`` ends with "/"."""
    aws, folder = context.aws, prefix.rstrip("/")
    try:
        kept = [each for each in tagged_resources.kept_buckets(aws) if holds(aws, each, prefix)]
        if not kept or holds(aws, bucket, prefix):
            return
    except OrchardError as error:
        # A user who may only write photos can still upload.
        context.say(f"Could not check whether a bucket of an earlier deployment has this set. {error.message}")
        return
    for each in kept:
        context.say(f"The bucket {each}, kept from an earlier deployment, already has a set of this name.")
        context.say(f"  copy:   {copy(aws, each, bucket, folder)}")
        context.say(f"  delete: {delete(aws, each)}")
    context.say("The upload starts now. Stop it with Ctrl-C to copy the set instead: copied files are not sent again.")


def say_what_stays_kept(context: Context) -> None:
    """Print kept buckets before all other data is deleted, so that the user knows they are not deleted."""
    try:
        kept = tagged_resources.kept_buckets(context.aws)
    except OrchardError:
        return  # the list of leftover resources at the end asks again; a failure here must not keep the cost running
    for bucket in kept:
        context.say(f"The bucket {bucket}, kept from an earlier deployment, is not deleted.")


def copy(aws: Aws, kept: str, bucket: str, folder: str) -> str:
    """Return the command that copies a folder of a kept bucket into another bucket."""
    return aws.typed(f"s3 sync s3://{kept}/{folder} s3://{bucket}/{folder}")


def delete(aws: Aws, bucket: str) -> str:
    """Return the command that deletes a bucket with all that is in it."""
    return aws.typed(f"s3 rb --force s3://{bucket}")


def holds(aws: Aws, bucket: str, prefix: str) -> bool:
    """Return whether a bucket has an object with a prefix."""
    with explained(f"look into the bucket {bucket}"):
        return aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount", 0) > 0


def kept_data(aws: Aws, bucket: str) -> list[str]:
    """Return which folders of a kept bucket are user data; a bucket of logs has none."""
    with explained(f"look into the bucket {bucket}"):
        listed = aws.s3.list_objects_v2(Bucket=bucket, Delimiter="/").get("CommonPrefixes", ())
    there = {entry["Prefix"].rstrip("/") for entry in listed}
    return [folder for folder in DATA_FOLDERS if folder in there]
