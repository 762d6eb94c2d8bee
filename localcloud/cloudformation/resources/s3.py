"""S3: buckets and their policies."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import (
    document,
    passing_over,
    refuse_others,
    request,
    undone_on_failure,
)
from localcloud.cloudformation.tags import tag_list

_LONGEST_NAME = 63
_HOME_REGION = "us-east-1"
"""The one region that is not named when a bucket is made there."""


class Bucket:
    """A bucket with everything that the stacks set on it."""

    name = "AWS::S3::Bucket"
    replacing = frozenset({"BucketName"})

    @property
    def properties(self) -> frozenset[str]:
        """What is modelled."""
        return frozenset({"BucketName", "AccessControl", *_SETTINGS})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Make the bucket and apply its settings."""
        client = context.client("s3")
        name = str(properties.get("BucketName") or context.physical_name(_LONGEST_NAME, lower_case=True))
        if _exists(client, name):
            # In us-east-1 alone S3 takes the second making of one's own bucket for success.
            raise ValueError(f"{name} already exists")
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
        client.create_bucket(Bucket=name, **({} if context.region == _HOME_REGION else elsewhere))
        with undone_on_failure(lambda: client.delete_bucket(Bucket=name)):
            _apply(client, name, {}, properties)
        return _created(context, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Apply every setting that differs; take off those that are not there any more."""
        _apply(context.client("s3"), physical_id, before, after)
        return _created(context, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        """Remove the bucket, which must be empty."""
        with passing_over("NoSuchBucket"):
            context.client("s3").delete_bucket(Bucket=physical_id)


class BucketPolicy:
    """The policy of a bucket."""

    name = "AWS::S3::BucketPolicy"
    properties = frozenset({"Bucket", "PolicyDocument"})
    replacing = frozenset({"Bucket"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Set the policy."""
        bucket = str(properties["Bucket"])
        context.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(properties["PolicyDocument"]))
        return Created(bucket)

    def update(self, context: ResourceContext, physical_id: str, _before: Properties, after: Properties) -> Created:
        """Set the new policy in the old one's place."""
        self.create(context, {**after, "Bucket": physical_id})
        return Created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        """Take the policy off."""
        with passing_over("NoSuchBucket", "NoSuchBucketPolicy"):
            context.client("s3").delete_bucket_policy(Bucket=physical_id)


def lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lifecycle rule as S3's API has it, from one as CloudFormation has it."""
    refuse_others("LifecycleConfiguration.Rules", rule, _LIFECYCLE_NAMES)
    expiration = {"Days": int(rule["ExpirationInDays"])} if "ExpirationInDays" in rule else None
    parts = {
        "ID": rule.get("Id"),
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        "Expiration": expiration,
        "Transitions": [_transition(each) for each in rule.get("Transitions", [])] or None,
        "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration"),
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    return {name: part for name, part in parts.items() if part is not None}


def _transition(transition: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("LifecycleConfiguration.Rules.Transitions", transition, ("StorageClass", "TransitionInDays"))
    return {"StorageClass": transition["StorageClass"], "Days": int(transition["TransitionInDays"])}


_LIFECYCLE_NAMES = (
    *("Id", "Status", "Prefix", "ExpirationInDays", "Transitions"),
    *("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"),
)


def _put_encryption(client: Client, bucket: str, given: Mapping[str, Any]) -> None:
    refuse_others("BucketEncryption", given, ("ServerSideEncryptionConfiguration",))
    wanted = {"Rules": [_encryption_rule(rule) for rule in given["ServerSideEncryptionConfiguration"]]}
    client.put_bucket_encryption(
        **request(client, "PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration=wanted)
    )


def _encryption_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("BucketEncryption", rule, ("ServerSideEncryptionByDefault", "BucketKeyEnabled"))
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {names.get(name, name): value for name, value in rule.items()}


def _put_lifecycle(client: Client, bucket: str, given: Mapping[str, Any]) -> None:
    refuse_others("LifecycleConfiguration", given, ("Rules",))
    wanted = {"Rules": [lifecycle_rule(rule) for rule in given["Rules"]]}
    client.put_bucket_lifecycle_configuration(
        **request(client, "PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration=wanted)
    )


def _put_logging(client: Client, bucket: str, given: Mapping[str, Any]) -> None:
    refuse_others("LoggingConfiguration", given, ("DestinationBucketName", "LogFilePrefix"))
    # Without a destination S3 logs into the bucket itself.
    target = given.get("DestinationBucketName", bucket)
    enabled = {"TargetBucket": target, "TargetPrefix": given.get("LogFilePrefix", "")}
    client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})


def _put_ownership(client: Client, bucket: str, given: Mapping[str, Any]) -> None:
    client.put_bucket_ownership_controls(
        **request(client, "PutBucketOwnershipControls", Bucket=bucket, OwnershipControls=given)
    )


def _put_public_access_block(client: Client, bucket: str, given: Mapping[str, Any]) -> None:
    client.put_public_access_block(
        **request(client, "PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration=given)
    )


def _put_versioning(client: Client, bucket: str, given: Mapping[str, Any]) -> None:
    refuse_others("VersioningConfiguration", given, ("Status",))
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": given["Status"]})


def _put_tags(client: Client, bucket: str, given: list[Mapping[str, Any]]) -> None:
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list({"Tags": given})})


_Put = Callable[[Any, str, Any], None]
_Remove = Callable[[Any, str], object]
_SETTINGS: Mapping[str, tuple[_Put, _Remove]] = {
    "BucketEncryption": (_put_encryption, lambda client, bucket: client.delete_bucket_encryption(Bucket=bucket)),
    "LifecycleConfiguration": (_put_lifecycle, lambda client, bucket: client.delete_bucket_lifecycle(Bucket=bucket)),
    "LoggingConfiguration": (
        _put_logging,
        lambda client, bucket: client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={}),
    ),
    "OwnershipControls": (
        _put_ownership,
        lambda client, bucket: client.delete_bucket_ownership_controls(Bucket=bucket),
    ),
    "PublicAccessBlockConfiguration": (
        _put_public_access_block,
        lambda client, bucket: client.delete_public_access_block(Bucket=bucket),
    ),
    # Versioning cannot be switched off again, only be suspended.
    "VersioningConfiguration": (
        _put_versioning,
        lambda client, bucket: client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    "Tags": (_put_tags, lambda client, bucket: client.delete_bucket_tagging(Bucket=bucket)),
}
"""How each setting is put on a bucket, and taken off again."""

_CANNED_ACLS = {
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "LogDeliveryWrite": "log-delivery-write",
    "BucketOwnerRead": "bucket-owner-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "AwsExecRead": "aws-exec-read",
}


def _apply(client: Client, bucket: str, before: Properties, after: Properties) -> None:
    if before.get("AccessControl") != after.get("AccessControl"):
        client.put_bucket_acl(Bucket=bucket, ACL=_CANNED_ACLS[after.get("AccessControl", "Private")])
    for name, (put, remove) in _SETTINGS.items():
        if name in after and before.get(name) != after[name]:
            put(client, bucket, after[name])
        elif name in before and name not in after:
            remove(client, bucket)


def _exists(client: Client, bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise
    return True


def _created(context: ResourceContext, bucket: str) -> Created:
    return Created(
        bucket,
        {
            "Arn": f"arn:aws:s3:::{bucket}",
            "DomainName": f"{bucket}.s3.amazonaws.com",
            "DualStackDomainName": f"{bucket}.s3.dualstack.{context.region}.amazonaws.com",
            "RegionalDomainName": f"{bucket}.s3.{context.region}.amazonaws.com",
            "WebsiteURL": f"http://{bucket}.s3-website-{context.region}.amazonaws.com",
        },
    )
