"""S3: buckets and their policies."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, document, passing_over, refuse_others, undone_on_failure
from localcloud.cloudformation.tags import tag_list

_LONGEST_NAME = 63
_HOME_REGION = "us-east-1"
"""The one region that CreateBucket does not accept by name."""


class Bucket:
    """A bucket with its settings."""

    name = "AWS::S3::Bucket"
    replacing = frozenset({"BucketName"})

    @property
    def properties(self) -> frozenset[str]:
        """What is modelled."""
        return frozenset({"BucketName", "AccessControl", *_SETTINGS})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("s3")
        name = str(properties.get("BucketName") or context.physical_name(_LONGEST_NAME, lower_case=True))
        if _exists(client, name):
            # In us-east-1 alone, S3 accepts the creation of a bucket that the account owns already.
            raise ValueError(f"{name} already exists")
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
        client.create_bucket(Bucket=name, **({} if context.region == _HOME_REGION else elsewhere))
        with undone_on_failure(lambda: client.delete_bucket(Bucket=name)):
            _apply(client, name, {}, properties)
        return _created(context, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Apply every setting that differs, and remove those no longer declared."""
        _apply(context.client("s3"), physical_id, before, after)
        return _created(context, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("NoSuchBucket"):
            context.client("s3").delete_bucket(Bucket=physical_id)


class BucketPolicy:
    """The policy of a bucket."""

    name = "AWS::S3::BucketPolicy"
    properties = frozenset({"Bucket", "PolicyDocument"})
    replacing = frozenset({"Bucket"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        bucket = str(properties["Bucket"])
        context.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(properties["PolicyDocument"]))
        return Created(bucket)

    def update(self, context: ResourceContext, physical_id: str, _before: Properties, after: Properties) -> Created:
        self.create(context, {**after, "Bucket": physical_id})
        return Created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
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


def _encryption(_bucket: str, given: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("BucketEncryption", given, ("ServerSideEncryptionConfiguration",))
    return {"Rules": [_encryption_rule(rule) for rule in given["ServerSideEncryptionConfiguration"]]}


def _encryption_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("BucketEncryption", rule, ("ServerSideEncryptionByDefault", "BucketKeyEnabled"))
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {names.get(name, name): value for name, value in rule.items()}


def _lifecycle(_bucket: str, given: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("LifecycleConfiguration", given, ("Rules",))
    return {"Rules": [lifecycle_rule(rule) for rule in given["Rules"]]}


def _logging(bucket: str, given: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("LoggingConfiguration", given, ("DestinationBucketName", "LogFilePrefix"))
    # Without a destination S3 logs into the bucket itself.
    target = given.get("DestinationBucketName", bucket)
    return {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": given.get("LogFilePrefix", "")}}


def _tags(_bucket: str, given: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {"TagSet": tag_list({"Tags": given})}


def _unchanged(_bucket: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    return given


class _Setting(NamedTuple):
    """How to put a setting on a bucket, and remove it: with a separate operation, or with another value."""

    put: str
    parameter: str
    convert: Callable[[str, Any], Mapping[str, Any]]
    remove: str
    removed: Mapping[str, Any] | None = None


_SETTINGS: Mapping[str, _Setting] = {
    "BucketEncryption": _Setting(
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", _encryption, "DeleteBucketEncryption"
    ),
    "LifecycleConfiguration": _Setting(
        "PutBucketLifecycleConfiguration", "LifecycleConfiguration", _lifecycle, "DeleteBucketLifecycle"
    ),
    "LoggingConfiguration": _Setting("PutBucketLogging", "BucketLoggingStatus", _logging, "PutBucketLogging", {}),
    "OwnershipControls": _Setting(
        "PutBucketOwnershipControls", "OwnershipControls", _unchanged, "DeleteBucketOwnershipControls"
    ),
    "PublicAccessBlockConfiguration": _Setting(
        "PutPublicAccessBlock", "PublicAccessBlockConfiguration", _unchanged, "DeletePublicAccessBlock"
    ),
    # Versioning cannot be switched off, only suspended.
    "VersioningConfiguration": _Setting(
        "PutBucketVersioning", "VersioningConfiguration", _unchanged, "PutBucketVersioning", {"Status": "Suspended"}
    ),
    "Tags": _Setting("PutBucketTagging", "Tagging", _tags, "DeleteBucketTagging"),
}

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
    for name, setting in _SETTINGS.items():
        if name in after and before.get(name) != after[name]:
            call(client, setting.put, Bucket=bucket, **{setting.parameter: setting.convert(bucket, after[name])})
        elif name in before and name not in after:
            removed = {} if setting.removed is None else {setting.parameter: setting.removed}
            call(client, setting.remove, Bucket=bucket, **removed)


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
