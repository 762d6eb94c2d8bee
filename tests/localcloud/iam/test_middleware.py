"""The local cloud lets through who signs right and may do what is asked; stock moto lets everybody through."""

import datetime
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.localcloud.conftest import MakeClient, make_client

ARN = "arn:aws:s3:::"


@dataclass(frozen=True)
class Evaluator:
    """A user who may list and read the bucket `own`, and the clients that speak for it."""

    own: str
    other: str
    key: str
    secret: str
    client: MakeClient

    def s3(self) -> Any:
        return self.client("s3", self.key, self.secret)


def code(call: Callable[[], object]) -> str:
    """Return the code of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def make_evaluator(client: MakeClient) -> Evaluator:
    s3, iam = client("s3"), client("iam")
    place = {"LocationConstraint": "eu-west-3"}
    own, other = "iam-own", "iam-other"
    for bucket in (own, other):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        s3.put_object(Bucket=bucket, Key="p/a b.txt", Body=b"hi")
    statements = [
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": ARN + own},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{ARN}{own}/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": ARN + other,
            "Condition": {"StringLike": {"s3:prefix": "p/*"}},
        },
    ]
    iam.create_user(UserName="iam-evaluator")
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    policy = iam.create_policy(PolicyName="iam-read", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="iam-evaluator", PolicyArn=policy)
    made = iam.create_access_key(UserName="iam-evaluator")["AccessKey"]
    return Evaluator(own, other, made["AccessKeyId"], made["SecretAccessKey"], client)


@pytest.fixture(scope="module")
def evaluator(client: MakeClient) -> Evaluator:
    return make_evaluator(client)


def test_allows_what_a_policy_allows(evaluator: Evaluator) -> None:
    s3, own = evaluator.s3(), evaluator.own

    assert s3.list_objects_v2(Bucket=own)["KeyCount"] == 1
    assert len(s3.list_objects(Bucket=own)["Contents"]) == 1
    assert s3.head_bucket(Bucket=own)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket=own)["LocationConstraint"] == "eu-west-3"
    assert s3.get_object(Bucket=own, Key="p/a b.txt")["Body"].read() == b"hi"
    assert s3.get_object(Bucket=own, Key="p/a b.txt", Range="bytes=0-0")["Body"].read() == b"h"
    assert s3.head_object(Bucket=own, Key="p/a b.txt")["ContentLength"] == 2


def test_denies_what_no_policy_allows(evaluator: Evaluator, client: MakeClient) -> None:
    s3, own, other = evaluator.s3(), evaluator.own, evaluator.other
    copied = {"Bucket": own, "Key": "p/a b.txt"}

    assert code(lambda: s3.put_object(Bucket=own, Key="b", Body=b"x")) == "AccessDenied"
    assert code(lambda: s3.delete_object(Bucket=own, Key="p/a b.txt")) == "AccessDenied"
    assert code(lambda: s3.copy_object(Bucket=own, Key="c", CopySource=copied)) == "AccessDenied"
    assert code(lambda: s3.create_multipart_upload(Bucket=own, Key="m")) == "AccessDenied"
    assert code(lambda: s3.put_bucket_policy(Bucket=own, Policy="{}")) == "AccessDenied"
    assert code(lambda: s3.delete_bucket(Bucket=own)) == "AccessDenied"
    assert code(lambda: s3.get_object(Bucket=other, Key="p/a b.txt")) == "AccessDenied"
    assert code(lambda: s3.head_object(Bucket=other, Key="p/a b.txt")) == "403"
    assert code(s3.list_buckets) == "AccessDenied"
    others = {name: client(name, evaluator.key, evaluator.secret) for name in ("iam", "emr", "ec2", "cloudformation")}
    assert code(others["iam"].list_users) == "AccessDenied"
    assert code(others["emr"].list_clusters) == "AccessDeniedException"
    assert code(others["ec2"].describe_vpcs) == "UnauthorizedOperation"
    assert code(others["cloudformation"].list_stacks) == "AccessDenied"
    assert client("s3").get_object(Bucket=own, Key="p/a b.txt")["Body"].read() == b"hi"


def test_deletes_the_allowed_objects_and_reports_the_others(evaluator: Evaluator, client: MakeClient) -> None:
    iam, owner, s3 = client("iam"), client("s3"), evaluator.s3()
    names = ["mine/<1>.txt", "mine/2.txt", "theirs/3.txt", "p/a b.txt"]
    for name in names[:3]:
        owner.put_object(Bucket=evaluator.own, Key=name, Body=b"x")

    def deleted(keys: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
        said = s3.delete_objects(Bucket=evaluator.own, Delete={"Objects": [{"Key": key} for key in keys]})
        refused = [(one["Key"], one["Code"]) for one in said.get("Errors", [])]
        return sorted(one["Key"] for one in said.get("Deleted", [])), refused

    # Given nothing that it may delete
    assert deleted(names[:2]) == ([], [("mine/<1>.txt", "AccessDenied"), ("mine/2.txt", "AccessDenied")])
    # When it may delete in one folder
    statement = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"{ARN}{evaluator.own}/mine/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="iam-evaluator", PolicyName="mine", PolicyDocument=document)
    try:
        assert deleted(names) == (sorted(names[:2]), [("theirs/3.txt", "AccessDenied"), ("p/a b.txt", "AccessDenied")])
    finally:
        iam.delete_user_policy(UserName="iam-evaluator", PolicyName="mine")
    left = owner.list_objects_v2(Bucket=evaluator.own)["Contents"]
    assert [entry["Key"] for entry in left] == ["p/a b.txt", "theirs/3.txt"]
    owner.delete_object(Bucket=evaluator.own, Key="theirs/3.txt")


def test_a_refusal_names_principal_action_and_resource(evaluator: Evaluator) -> None:
    with pytest.raises(ClientError) as caught:
        evaluator.s3().put_object(Bucket=evaluator.own, Key="b", Body=b"x")

    assert caught.value.response["Error"]["Message"] == (
        "User: arn:aws:iam::123456789012:user/iam-evaluator is not authorized to perform: s3:PutObject "
        f"on resource: {ARN}{evaluator.own}/b"
    )


def test_applies_a_condition_on_the_prefix(evaluator: Evaluator) -> None:
    s3 = evaluator.s3()

    assert s3.list_objects_v2(Bucket=evaluator.other, Prefix="p/")["KeyCount"] == 1
    assert code(lambda: s3.list_objects_v2(Bucket=evaluator.other)) == "AccessDenied"
    assert code(lambda: s3.list_objects_v2(Bucket=evaluator.other, Prefix="q/")) == "AccessDenied"


def test_get_caller_identity_is_always_allowed(evaluator: Evaluator, client: MakeClient) -> None:
    arn = client("sts", evaluator.key, evaluator.secret).get_caller_identity()["Arn"]

    assert arn == "arn:aws:iam::123456789012:user/iam-evaluator"


def test_refuses_wrong_secrets_keys_and_tokens_as_aws_does(evaluator: Evaluator, client: MakeClient) -> None:
    def listed(key: str, secret: str, token: str | None = None) -> str:
        return code(lambda: client("s3", key, secret, token).list_objects_v2(Bucket=evaluator.own))

    def asked(key: str, secret: str, service: str = "sts") -> str:
        made = client(service, key, secret)
        return code(made.get_caller_identity if service == "sts" else made.list_clusters)

    unknown = "AKIAIOSFODNN7EXAMPLE"
    assert listed(evaluator.key, "x" * 40) == "SignatureDoesNotMatch"
    assert asked(evaluator.key, "x" * 40) == "SignatureDoesNotMatch"
    assert asked(evaluator.key, "x" * 40, "emr") == "InvalidSignatureException"
    assert listed(unknown, "x" * 40) == "InvalidAccessKeyId"
    assert asked(unknown, "x" * 40) == "InvalidClientTokenId"
    assert asked(unknown, "x" * 40, "emr") == "UnrecognizedClientException"
    assert listed(evaluator.key, evaluator.secret, "token") == "InvalidToken"
    assert listed("testing", "wrong") == "SignatureDoesNotMatch"


def test_an_inactive_access_key_is_unknown(client: MakeClient) -> None:
    iam = client("iam")
    iam.create_user(UserName="iam-off")
    made = iam.create_access_key(UserName="iam-off")["AccessKey"]
    iam.update_access_key(UserName="iam-off", AccessKeyId=made["AccessKeyId"], Status="Inactive")

    assert code(client("s3", made["AccessKeyId"], made["SecretAccessKey"]).list_buckets) == "InvalidAccessKeyId"


def test_a_presigned_url_has_its_signers_rights_and_no_changes(evaluator: Evaluator) -> None:
    def fetch(bucket: str, change: str = "") -> bytes | str:
        parameters = {"Bucket": bucket, "Key": "p/a b.txt"}
        address = evaluator.client("s3", evaluator.key, evaluator.secret).generate_presigned_url(
            "get_object", parameters
        )
        try:
            with urllib.request.urlopen(address + change) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.headers['x-amzn-ErrorType']}"

    assert fetch(evaluator.own) == b"hi"
    assert fetch(evaluator.other) == "403 AccessDenied"
    assert fetch(evaluator.own, "&versionId=1") == "403 SignatureDoesNotMatch"


def test_refuses_unsigned_requests(evaluator: Evaluator, cloud: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{cloud}/{evaluator.own}/p/a%20b.txt")  # noqa: S310


def test_inline_and_group_policies_apply_until_removed(client: MakeClient) -> None:
    iam, s3 = client("iam"), client("s3")
    s3.create_bucket(Bucket="iam-group", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    iam.create_user(UserName="iam-member")
    made = iam.create_access_key(UserName="iam-member")["AccessKey"]
    member = client("s3", made["AccessKeyId"], made["SecretAccessKey"])
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ARN + "iam-group"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert code(lambda: member.list_objects_v2(Bucket="iam-group")) == "AccessDenied"

    iam.put_user_policy(UserName="iam-member", PolicyName="own", PolicyDocument=document)
    assert member.list_objects_v2(Bucket="iam-group")["KeyCount"] == 0
    iam.delete_user_policy(UserName="iam-member", PolicyName="own")
    assert code(lambda: member.list_objects_v2(Bucket="iam-group")) == "AccessDenied"

    iam.create_group(GroupName="iam-readers")
    iam.put_group_policy(GroupName="iam-readers", PolicyName="group", PolicyDocument=document)
    iam.add_user_to_group(GroupName="iam-readers", UserName="iam-member")
    assert member.list_objects_v2(Bucket="iam-group")["KeyCount"] == 0


@pytest.fixture
def session(client: MakeClient) -> Iterator[Callable[..., Any]]:
    """Return what makes clients that speak for a role that may write into one folder."""
    iam, s3 = client("iam"), client("s3")
    s3.create_bucket(Bucket="iam-role", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    arn = iam.create_role(RoleName="iam-node", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{ARN}iam-role/results/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="iam-node", PolicyName="write", PolicyDocument=document)
    assumed = client("sts").assume_role(RoleArn=arn["Role"]["Arn"], RoleSessionName="step")["Credentials"]

    def made(service: str, token: str = assumed["SessionToken"]) -> Any:
        return client(service, assumed["AccessKeyId"], assumed["SecretAccessKey"], token)

    yield made
    for entry in s3.list_objects_v2(Bucket="iam-role").get("Contents", []):
        s3.delete_object(Bucket="iam-role", Key=entry["Key"])
    s3.delete_bucket(Bucket="iam-role")
    iam.delete_role_policy(RoleName="iam-node", PolicyName="write")
    iam.delete_role(RoleName="iam-node")


def test_a_role_has_the_permissions_of_its_policies_only(session: Callable[..., Any]) -> None:
    s3 = session("s3")

    s3.put_object(Bucket="iam-role", Key="results/r.txt", Body=b"x" * 100_000)

    assert code(lambda: s3.put_object(Bucket="iam-role", Key="images/i.txt", Body=b"x")) == "AccessDenied"
    assert code(lambda: s3.get_object(Bucket="iam-role", Key="results/r.txt")) == "AccessDenied"
    assert code(lambda: session("s3", token="other").list_objects_v2(Bucket="iam-role")) == "InvalidToken"


def test_bucket_policies_allow_and_deny_with_conditions(session: Callable[..., Any], client: MakeClient) -> None:
    def statement(effect: str, action: str, **more: object) -> dict[str, object]:
        resources = [f"{ARN}iam-role", f"{ARN}iam-role/*"]
        return {"Effect": effect, "Action": action, "Principal": {"AWS": "*"}, "Resource": resources, **more}

    def put(*statements: dict[str, object]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client("s3").put_bucket_policy(Bucket="iam-role", Policy=document)

    s3 = session("s3")
    put(
        statement("Deny", "s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        statement("Deny", "s3:*", Condition={"NumericLessThan": {"s3:TlsVersion": 1.2}}),
    )
    s3.put_object(Bucket="iam-role", Key="results/r.txt", Body=b"x")
    put(statement("Allow", "s3:GetObject"))
    assert s3.get_object(Bucket="iam-role", Key="results/r.txt")["Body"].read() == b"x"
    put(statement("Deny", "s3:PutObject"))
    assert code(lambda: s3.put_object(Bucket="iam-role", Key="results/r.txt", Body=b"x")) == "AccessDenied"
    client("s3").put_object(Bucket="iam-role", Key="results/r.txt", Body=b"the administrator may")


def test_stock_moto_allows_everything() -> None:
    with mock_aws():
        evaluator = make_evaluator(lambda *words: make_client(None, *words))
        s3 = evaluator.s3()

        s3.put_object(Bucket=evaluator.own, Key="b", Body=b"x")
        assert s3.list_objects_v2(Bucket=evaluator.other)["KeyCount"] == 1
        wrong = evaluator.client("s3", evaluator.key, "x" * 40)
        assert wrong.list_objects_v2(Bucket=evaluator.own)["KeyCount"] == 2
        moment = datetime.datetime.now(datetime.UTC)
        assert evaluator.client("s3", "AKIAIOSFODNN7EXAMPLE").list_buckets()["Buckets"][0]["CreationDate"] <= moment
