"""OrchardAccess lets the evaluator look at everything in the two buckets and change nothing."""

import json
from typing import Any

import pytest

from tests.infra.iam import allowed
from tests.infra.synthesis import Environment, Synthesise

STACK = "OrchardAccess"

ON_BUCKETS = ("s3:GetBucketLocation", "s3:ListBucket")
DENIED_ON_BUCKETS = (
    *("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration"),
    *("s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock", "s3:PutBucketAcl"),
    *("s3:ListBucketMultipartUploads", "s3:GetBucketPolicy", "s3:PutBucketVersioning"),
)
DENIED_ON_OBJECTS = (
    *("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:RestoreObject"),
    *("s3:AbortMultipartUpload", "s3:PutObjectTagging", "s3:BypassGovernanceRetention"),
)
DENIED_ELSEWHERE = (
    *("iam:CreateAccessKey", "iam:AttachUserPolicy", "iam:PassRole", "sts:AssumeRole"),
    *("elasticmapreduce:RunJobFlow", "elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:ListClusters"),
    *("secretsmanager:GetSecretValue", "kms:Decrypt", "ec2:RunInstances", "s3:CreateBucket"),
    "cloudformation:DeleteStack",
)


def statements(environment: Environment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = environment.only(STACK, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    return found


def buckets(environment: Environment) -> list[str]:
    return [f"arn:aws:s3:::{name}" for name in environment.resources("OrchardData", "AWS::S3::Bucket")]


def test_the_evaluator_lists_the_names_of_buckets(environment: Synthesise) -> None:
    assert allowed(statements(environment()), "s3:ListAllMyBuckets", "*")


@pytest.mark.parametrize("action", ON_BUCKETS)
def test_the_evaluator_may_look_into_both_buckets(environment: Synthesise, action: str) -> None:
    made = environment()
    assert [allowed(statements(made), action, arn) for arn in buckets(made)] == [True, True]


def test_the_evaluator_reads_every_object_of_both_buckets(environment: Synthesise) -> None:
    made = environment()
    keys = [f"{arn}/results/run/report.html" for arn in buckets(made)]
    assert [allowed(statements(made), "s3:GetObject", key) for key in keys] == [True, True]


@pytest.mark.parametrize("action", DENIED_ON_BUCKETS)
def test_the_evaluator_may_change_no_bucket(environment: Synthesise, action: str) -> None:
    made = environment()
    assert [allowed(statements(made), action, arn) for arn in buckets(made)] == [False, False]


@pytest.mark.parametrize("action", DENIED_ON_OBJECTS)
def test_the_evaluator_may_change_no_object(environment: Synthesise, action: str) -> None:
    made = environment()
    keys = [f"{arn}/results/run/report.html" for arn in buckets(made)]
    assert [allowed(statements(made), action, key) for key in keys] == [False, False]


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:ListBucket"])
def test_the_evaluator_sees_into_no_other_bucket(environment: Synthesise, action: str) -> None:
    found = statements(environment())
    assert not allowed(found, action, "arn:aws:s3:::somebody-else")
    assert not allowed(found, action, "arn:aws:s3:::somebody-else/photo.jpg")


@pytest.mark.parametrize("action", DENIED_ELSEWHERE)
def test_the_evaluator_may_do_nothing_but_look_at_buckets(environment: Synthesise, action: str) -> None:
    assert not allowed(statements(environment()), action, "*")


def test_the_evaluator_has_one_policy_and_no_groups(environment: Synthesise) -> None:
    made = environment()
    user = made.only(STACK, "AWS::IAM::User")
    (name,) = made.resources(STACK, "AWS::IAM::User")
    assert {key for key in user if key != "Tags"} == {"PermissionsBoundary"}
    assert made.only(STACK, "AWS::IAM::ManagedPolicy")["Users"] == [name]


def test_the_evaluator_has_no_password(environment: Synthesise) -> None:
    assert "LoginProfile" not in environment().only(STACK, "AWS::IAM::User")


def test_the_key_lies_in_secrets_manager(environment: Synthesise) -> None:
    made = environment()
    (key,) = made.resources(STACK, "AWS::IAM::AccessKey")
    secret = json.loads(made.only(STACK, "AWS::SecretsManager::Secret")["SecretString"])
    assert secret == {"access_key_id": key, "secret_access_key": f"{key}.SecretAccessKey"}


def test_no_output_shows_the_key(environment: Synthesise) -> None:
    made = environment()
    (key,) = made.resources(STACK, "AWS::IAM::AccessKey")
    assert key not in json.dumps(made.template(STACK)["Outputs"])


def test_a_higher_serial_makes_a_new_key(environment: Synthesise) -> None:
    assert environment(evaluator_key_serial=2).only(STACK, "AWS::IAM::AccessKey")["Serial"] == 2


def test_switched_off_there_is_no_user_key_or_secret(environment: Synthesise) -> None:
    resources = environment(evaluator=False).template(STACK)["Resources"].values()
    assert [resource["Type"] for resource in resources] == ["AWS::CloudFormation::WaitConditionHandle"]
