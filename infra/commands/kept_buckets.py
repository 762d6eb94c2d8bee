"""Names buckets that an earlier destroy has kept where that matters, and how to take over or delete what is in them."""

from infra.aws import Aws, explained, stacks
from infra.context import Context
from infra.teardown import tagged_resources
from job.errors import OrchardError

DATA_FOLDERS = ("images", "results", "notebooks", "jupyter")
"""Of the data bucket, those that nobody can make anew with a command."""


def say_what_was_kept(context: Context) -> None:
    """Name kept buckets, with the commands for all that is in them: for when a new deployment stands."""
    aws = context.aws
    for bucket in tagged_resources.kept_buckets(aws):
        context.say(f"The bucket {bucket} is kept from an earlier deployment.")
        for folder in kept_data(aws, bucket):
            context.say(f"  take over: {take_over(aws, bucket, stacks.data_bucket(aws), folder)}")
        context.say(f"  delete:    {delete(aws, bucket)}")


def say_where_the_set_is_kept(context: Context, bucket: str, prefix: str) -> None:
    """Name kept buckets that hold a set which the present bucket lacks; ``prefix`` ends with "/"."""
    aws, folder = context.aws, prefix.rstrip("/")
    try:
        kept = [each for each in tagged_resources.kept_buckets(aws) if holds(aws, each, prefix)]
        if not kept or holds(aws, bucket, prefix):
            return
    except OrchardError as error:
        # Who may only write photos may upload all the same.
        context.say(f"Whether a bucket of an earlier deployment holds this set is not known. {error.message}")
        return
    for each in kept:
        context.say(f"The bucket {each}, kept from an earlier deployment, has a set of this name already.")
        context.say(f"  take over: {take_over(aws, each, bucket, folder)}")
        context.say(f"  delete:    {delete(aws, each)}")
    context.say("The upload goes on. Ctrl-C ends it: what has been taken over will not be sent again.")


def say_what_stays_kept(context: Context) -> None:
    """Name kept buckets before all other data is removed: nobody shall take them for a part of it."""
    try:
        kept = tagged_resources.kept_buckets(context.aws)
    except OrchardError:
        return  # asked again at the end, and told there: no question stands between a person and the end of the cost
    for bucket in kept:
        context.say(f"The bucket {bucket}, kept from an earlier deployment, stays.")


def take_over(aws: Aws, kept: str, bucket: str, folder: str) -> str:
    """Return the command that copies a folder of a kept bucket into another bucket."""
    return aws.typed(f"s3 sync s3://{kept}/{folder} s3://{bucket}/{folder}")


def delete(aws: Aws, bucket: str) -> str:
    """Return the command that deletes a bucket with all that is in it."""
    return aws.typed(f"s3 rb --force s3://{bucket}")


def holds(aws: Aws, bucket: str, prefix: str) -> bool:
    """Return whether a bucket has any object below a prefix."""
    with explained(f"look into the bucket {bucket}"):
        return aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount", 0) > 0


def kept_data(aws: Aws, bucket: str) -> list[str]:
    """Return which folders of a kept bucket are a person's data; a bucket of logs has none."""
    with explained(f"look into the bucket {bucket}"):
        listed = aws.s3.list_objects_v2(Bucket=bucket, Delimiter="/").get("CommonPrefixes", ())
    there = {entry["Prefix"].rstrip("/") for entry in listed}
    return [folder for folder in DATA_FOLDERS if folder in there]
