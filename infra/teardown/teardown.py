"""Delete the environment: end the cluster, delete what EMR left, empty buckets, delete stacks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code, explained, stacks
from infra.errors import ClusterStillThereError, NotDeletedError, StackStaysError
from infra.runs import Cluster, clusters
from infra.settings import COST_TAG

STACKS = (stacks.CLUSTER, stacks.BUDGET, stacks.ACCESS, stacks.DATA)
"""In the order in which they can be deleted: each before those that it uses."""

SHORTEST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds between two looks, doubled each time: AWS takes minutes, the local cloud a second."""
LONGEST_END = 30 * 60.0
"""Seconds that a cluster or a stack may take to end."""


def deployed_stacks(aws: Aws) -> list[str]:
    """Return our stacks that exist, in the order in which they can be deleted."""
    return [name for name in STACKS if stacks.outputs_if_there(aws, name) is not None]


def end_cluster(aws: Aws, cluster: Cluster, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """End a cluster and wait until it has ended."""
    if cluster.alive:
        with explained(f"end the cluster {cluster.id}"):
            aws.emr.terminate_job_flows(JobFlowIds=[cluster.id])
    wait_until_ended(aws, cluster.id, clock, sleep)


def wait_until_ended(aws: Aws, cluster: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Wait until EMR has ended a cluster, for at most ``LONGEST_END``."""
    state = _look_until(lambda: clusters.look(aws, cluster).state, clusters.ENDED, clock, sleep)
    if state not in clusters.ENDED:
        raise ClusterStillThereError(
            f"The cluster {cluster} is still {state} after {LONGEST_END / 60:.0f} minutes.",
            f"End it: {aws.typed(f'emr terminate-clusters --cluster-ids {cluster}')}",
        )


def delete_stack(aws: Aws, name: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Have CloudFormation delete a stack, and wait until it is deleted; return if it does not exist.

    Raises
    ------
    StackStaysError
        With CloudFormation's own reasons if it cannot, or if it takes longer than ``LONGEST_END``.
    """
    with explained(f"delete the stack {name}"):
        aws.cloudformation.delete_stack(StackName=name)
    state = _look_until(lambda: stacks.status(aws, name), (None, "DELETE_FAILED"), clock, sleep)
    if state == "DELETE_FAILED":
        raise StackStaysError(
            f"CloudFormation could not delete {name}: {'; '.join(stacks.deletion_failures(aws, name))}",
            "Remove these obstacles, then rerun the command: it continues where it stopped.",
        )
    if state is not None:
        raise StackStaysError(
            f"The stack {name} is still {state} after {LONGEST_END / 60:.0f} minutes.",
            f"See what it is waiting for: {aws.typed(f'cloudformation describe-stack-events --stack-name {name}')}",
        )


def _look_until(
    look: Callable[[], str | None],
    ended: Collection[str | None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> str | None:
    """Return the state once it is one of the ended ones, or after ``LONGEST_END``."""
    began, wait = clock(), SHORTEST_WAIT
    while (state := look()) not in ended and clock() - began <= LONGEST_END:
        sleep(wait)
        wait = min(LONGEST_WAIT, 2 * wait)
    return state


def deletes_buckets(aws: Aws) -> bool:
    """Return whether the data stack, as deployed, deletes its buckets when it is destroyed."""
    with explained(f"read the template of {stacks.DATA}"):
        template: Mapping[str, Any] = aws.cloudformation.get_template(StackName=stacks.DATA)["TemplateBody"]
    buckets = [one for one in template["Resources"].values() if one["Type"] == "AWS::S3::Bucket"]
    return bool(buckets) and all(one.get("DeletionPolicy") == "Delete" for one in buckets)


def sweep_security_groups(aws: Aws) -> list[str]:
    """Delete the security groups that EMR left, their rules for each other first; return their names."""
    ec2 = aws.client("ec2")
    with explained("look for security groups that EMR left"):
        groups = ec2.describe_security_groups(
            Filters=[
                {"Name": f"tag:{COST_TAG[0]}", "Values": [COST_TAG[1]]},
                {"Name": "group-name", "Values": ["ElasticMapReduce-*"]},
            ]
        )["SecurityGroups"]
        for group in groups:
            if group["IpPermissions"]:
                ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
            outward = [rule for rule in group["IpPermissionsEgress"] if rule["UserIdGroupPairs"]]
            if outward:
                ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=outward)
    for group in groups:
        with explained(f"remove the security group {group['GroupName']} that EMR left"):
            ec2.delete_security_group(GroupId=group["GroupId"])
    return [group["GroupName"] for group in groups]


def stop_access_logs(aws: Aws, bucket: str) -> None:
    """Stop the access log of a bucket, if it exists."""
    with explained(f"stop the access log of the bucket {bucket}"):
        if _bucket_exists(aws, bucket):
            aws.s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


def empty_bucket(aws: Aws, bucket: str) -> int:
    """Delete everything in a bucket, with all versions and unfinished uploads; return the number of objects."""
    deleted = 0
    with explained(f"empty the bucket {bucket}"):
        if not _bucket_exists(aws, bucket):
            return 0
        for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            if objects:
                answer = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
                _require_deleted(bucket, answer.get("Errors", ()))
                deleted += len(objects)
        for listed in aws.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in listed.get("Uploads", ()):
                aws.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return deleted


def _bucket_exists(aws: Aws, bucket: str) -> bool:
    try:
        aws.s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def _require_deleted(bucket: str, errors: Sequence[Mapping[str, object]]) -> None:
    if errors:
        first = errors[0]
        raise NotDeletedError(
            f"{len(errors)} objects of {bucket} could not be deleted, the first: {first.get('Key')}: "
            f"{first.get('Message')}",
            "Change the bucket's policy, then rerun the command.",
        )
