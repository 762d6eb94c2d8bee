"""Buckets and their policies: every property is there when S3 is asked for it, and gone when it is gone."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.s3 import Bucket, BucketPolicy
from tests.localcloud.cloudformation.resources.conftest import Client, context_of, tags

EVERYTHING: dict[str, Any] = {
    "BucketName": "orchard-photos",
    "AccessControl": "Private",
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    },
    "LifecycleConfiguration": {
        "Rules": [
            {"Id": "expire", "Status": "Enabled", "ExpirationInDays": "90"},
            {
                "Id": "archive",
                "Status": "Enabled",
                "Prefix": "results/",
                "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 30}],
            },
            {"Id": "versions", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
            {"Id": "uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        ]
    },
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": "true",
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    },
    "VersioningConfiguration": {"Status": "Enabled"},
    "Tags": tags(project="orchard"),
}


def test_every_property_of_a_new_bucket_can_be_read_again(aws: Client, context: ResourceContext) -> None:
    made = Bucket().create(context, EVERYTHING)

    s3 = aws("s3")
    assert made.physical_id == "orchard-photos"
    assert s3.get_bucket_location(Bucket="orchard-photos")["LocationConstraint"] == "eu-west-1"
    encryption = s3.get_bucket_encryption(Bucket="orchard-photos")["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rules = s3.get_bucket_lifecycle_configuration(Bucket="orchard-photos")["Rules"]
    assert {rule["ID"]: rule["Filter"]["Prefix"] for rule in rules} == {
        "expire": "",
        "archive": "results/",
        "versions": "",
        "uploads": "",
    }
    assert rules[0]["Expiration"]["Days"] == 90
    assert rules[1]["Transitions"] == [{"StorageClass": "GLACIER_IR", "Days": 30}]
    assert rules[2]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rules[3]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    controls = s3.get_bucket_ownership_controls(Bucket="orchard-photos")["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    blocked = s3.get_public_access_block(Bucket="orchard-photos")["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert s3.get_bucket_versioning(Bucket="orchard-photos")["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket="orchard-photos")["TagSet"] == tags(project="orchard")


def test_an_encryption_key_is_kept(aws: Client, context: ResourceContext) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-west-1:123456789012:key/1"}
    encryption = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]}
    Bucket().create(context, {"BucketName": "sealed-photos", "BucketEncryption": encryption})
    (rule,) = aws("s3").get_bucket_encryption(Bucket="sealed-photos")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == default


def test_access_is_logged_into_another_bucket(aws: Client, context: ResourceContext) -> None:
    logs = Bucket().create(context_of("Logs", aws), {}).physical_id
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{logs}/*",
    }
    BucketPolicy().create(context, {"Bucket": logs, "PolicyDocument": {"Statement": [statement]}})
    logging = {"DestinationBucketName": logs, "LogFilePrefix": "access/"}

    bucket = Bucket().create(context, {"LoggingConfiguration": logging}).physical_id

    enabled = aws("s3").get_bucket_logging(Bucket=bucket)["LoggingEnabled"]
    assert (enabled["TargetBucket"], enabled["TargetPrefix"]) == (logs, "access/")


def test_a_bucket_without_a_name_gets_one_in_lower_case(aws: Client) -> None:
    made = Bucket().create(context_of("DataC0FFEE", aws, stack="OrchardData"), {})
    assert made.physical_id.startswith("orcharddata-datac0ffee-")
    assert aws("s3").head_bucket(Bucket=made.physical_id)


def test_the_attributes_are_those_that_cloudformation_gives(context: ResourceContext) -> None:
    assert Bucket().create(context, {"BucketName": "orchard-photos"}).attributes == {
        "Arn": "arn:aws:s3:::orchard-photos",
        "DomainName": "orchard-photos.s3.amazonaws.com",
        "DualStackDomainName": "orchard-photos.s3.dualstack.eu-west-1.amazonaws.com",
        "RegionalDomainName": "orchard-photos.s3.eu-west-1.amazonaws.com",
        "WebsiteURL": "http://orchard-photos.s3-website-eu-west-1.amazonaws.com",
    }


def test_an_update_changes_and_removes_settings(aws: Client, context: ResourceContext) -> None:
    Bucket().create(context, EVERYTHING)
    rules = {"Rules": [{"Id": "expire", "Status": "Disabled", "ExpirationInDays": 5}]}
    after = {"BucketName": "orchard-photos", "LifecycleConfiguration": rules, "Tags": tags(project="other")}

    made = Bucket().update(context, "orchard-photos", EVERYTHING, after)

    s3 = aws("s3")
    assert made.physical_id == "orchard-photos"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket="orchard-photos")["Rules"]
    assert (rule["ID"], rule["Status"], rule["Expiration"]["Days"]) == ("expire", "Disabled", 5)
    assert s3.get_bucket_tagging(Bucket="orchard-photos")["TagSet"] == tags(project="other")
    assert s3.get_bucket_versioning(Bucket="orchard-photos")["Status"] == "Suspended"
    for read in (s3.get_bucket_ownership_controls, s3.get_public_access_block):
        with pytest.raises(ClientError, match=r"NoSuch|NotFound"):
            read(Bucket="orchard-photos")


def test_does_not_delete_a_bucket_with_objects(aws: Client, context: ResourceContext) -> None:
    Bucket().create(context, {"BucketName": "orchard-photos"})
    aws("s3").put_object(Bucket="orchard-photos", Key="apple.jpg", Body=b"")

    with pytest.raises(ClientError, match="The bucket you tried to delete is not empty"):
        Bucket().delete(context, "orchard-photos", {})

    assert aws("s3").head_object(Bucket="orchard-photos", Key="apple.jpg")


def test_deletes_an_empty_bucket_and_succeeds_again(aws: Client, context: ResourceContext) -> None:
    Bucket().create(context, EVERYTHING)
    Bucket().delete(context, "orchard-photos", EVERYTHING)
    Bucket().delete(context, "orchard-photos", EVERYTHING)
    assert aws("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_refuses_a_bucket_that_exists_already(aws: Client, region: str) -> None:
    aws("s3").create_bucket(Bucket="taken", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(ValueError, match="taken"):
        Bucket().create(context_of("Thing", aws, region=region), {"BucketName": "taken"})


def test_deletes_a_bucket_whose_settings_are_refused(aws: Client, context: ResourceContext) -> None:
    rules = {"Rules": [{"Status": "Enabled", "TagFilters": []}]}
    with pytest.raises(ValueError, match=r"LifecycleConfiguration\.Rules\.TagFilters"):
        Bucket().create(context, {"LifecycleConfiguration": rules})
    assert aws("s3").list_buckets()["Buckets"] == []


def test_a_bucket_policy_is_set_changed_and_deleted(aws: Client, context: ResourceContext) -> None:
    s3 = aws("s3")
    Bucket().create(context, {"BucketName": "orchard-photos"})
    first = {"Bucket": "orchard-photos", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}
    second = {"Bucket": "orchard-photos", "PolicyDocument": {"Version": "2008-10-17", "Statement": []}}

    made = BucketPolicy().create(context, first)
    assert json.loads(s3.get_bucket_policy(Bucket="orchard-photos")["Policy"]) == first["PolicyDocument"]
    BucketPolicy().update(context, made.physical_id, first, second)
    assert json.loads(s3.get_bucket_policy(Bucket="orchard-photos")["Policy"]) == second["PolicyDocument"]
    BucketPolicy().delete(context, made.physical_id, second)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="orchard-photos")
