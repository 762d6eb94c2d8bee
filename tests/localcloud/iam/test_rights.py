"""The evaluator, the nodes and EMR make real calls under the policies that the stacks deploy: docs/security.md."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from localcloud.iam.policies import Action, Policies, allowed
from tests.documents import require_table
from tests.infra.conftest import environment, stub_wheelhouse  # noqa: F401 - fixtures
from tests.infra.synthesis import Environment
from tests.localcloud.conftest import MakeClient
from tests.localcloud.iam.deployed import OTHER, ClientOf, Deployed, answer, deployed

HEADS = ("call", "on", "answer")

Call = tuple[str, str, Callable[[], object]]
"""A call's name, what it is made on, and what makes it."""

OBJECTS = (
    *("images/fruits/Apple/1.jpg", "code/1/main.py", "models/1", "results/first/report.html"),
    *("results/first/manifest.json", "notebooks/look.ipynb"),
)


@pytest.fixture(scope="module")
def stacks(
    environment: Callable[..., Environment],  # noqa: F811 - the fixture
    client: MakeClient,
) -> Iterator[Deployed]:
    """Return the project's deployed stacks, with objects in their buckets and in a foreign one."""
    with deployed(environment(), client) as made:
        s3 = made.administrator("s3")
        places = [*((made.data, key) for key in OBJECTS), (made.logs, "emr/j-1/stderr.gz"), (OTHER, "theirs.jpg")]
        for bucket, key in [*places, made.asset, (made.asset[0], "other.zip")]:
            s3.put_object(Bucket=bucket, Key=key, Body=b"content")
        yield made


def require_seen(name: str, calls: list[Call]) -> dict[tuple[str, str], str]:
    """Make all calls; check that the document's table is what they were answered, and return it."""
    seen = {(call, on): answer(made) for call, on, made in calls}
    assert len(seen) == len(calls) >= 20
    require_table("security.md", name, HEADS, [(f"`{call}`", on, said) for (call, on), said in seen.items()])
    return seen


def on_objects(s3: Any, bucket: str, key: str, place: str, *calls: str) -> Iterator[Call]:
    """Yield calls on one object."""
    more: dict[str, dict[str, Any]] = {
        "PutObject": {"Body": b"new"},
        "CopyObject": {"CopySource": {"Bucket": bucket, "Key": key}, "MetadataDirective": "REPLACE"},
        "DeleteObjects": {"Key": None, "Delete": {"Objects": [{"Key": key}]}},
        "PutObjectAcl": {"ACL": "private"},
        "PutObjectTagging": {"Tagging": {"TagSet": []}},
    }
    for name in calls:
        given = {"Bucket": bucket, "Key": key} | more.get(name, {})
        method = getattr(s3, snake(name))
        yield name, place, partial(method, **{word: value for word, value in given.items() if value is not None})


def snake(name: str) -> str:
    """Return what boto3 calls an operation."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def on_account(client: ClientOf, deployed: Deployed) -> list[Call]:
    """Return calls that neither the evaluator nor a cluster has any business to make."""
    iam, secrets, formation = client("iam"), client("secretsmanager"), client("cloudformation")
    service = role_arn(deployed, "PermissionsServiceRole")
    user, role = deployed.outputs["EvaluatorUser"], deployed.resource("PermissionsNodeRole")
    open_policy = json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    s3 = client("s3")
    return [
        ("CreateBucket", "a new bucket", partial(s3.create_bucket, Bucket="a-new-bucket")),
        ("PutBucketPolicy", "the data bucket", partial(s3.put_bucket_policy, Bucket=deployed.data, Policy=open_policy)),
        ("DeleteBucket", "the data bucket", partial(s3.delete_bucket, Bucket=deployed.data)),
        ("iam:CreateAccessKey", "the evaluator", partial(iam.create_access_key, UserName=user)),
        (
            "iam:PutUserPolicy",
            "the evaluator",
            partial(iam.put_user_policy, UserName=user, PolicyName="p", PolicyDocument=open_policy),
        ),
        (
            "iam:PutRolePolicy",
            "the nodes' role",
            partial(iam.put_role_policy, RoleName=role, PolicyName="p", PolicyDocument=open_policy),
        ),
        ("iam:ListUsers", "the account", iam.list_users),
        (
            "sts:AssumeRole",
            "EMR's role",
            partial(client("sts").assume_role, RoleArn=service, RoleSessionName="session"),
        ),
        (
            "secretsmanager:GetSecretValue",
            "the evaluator's key",
            partial(secrets.get_secret_value, SecretId=deployed.outputs["EvaluatorSecret"]),
        ),
        ("elasticmapreduce:ListClusters", "the account", client("emr").list_clusters),
        (
            "elasticmapreduce:AddJobFlowSteps",
            "a cluster",
            partial(client("emr").add_job_flow_steps, JobFlowId="j-1", Steps=[]),
        ),
        (
            "elasticmapreduce:TerminateJobFlows",
            "a cluster",
            partial(client("emr").terminate_job_flows, JobFlowIds=["j-1"]),
        ),
        (
            "ec2:RunInstances",
            "a machine without the cluster's tag",
            partial(client("ec2").run_instances, ImageId="ami-1", MinCount=1, MaxCount=1),
        ),
        (
            "cloudformation:DeleteStack",
            "OrchardData",
            partial(formation.delete_stack, StackName="OrchardData"),
        ),
    ]


def role_arn(deployed: Deployed, start: str) -> str:
    return str(deployed.administrator("iam").get_role(RoleName=deployed.resource(start))["Role"]["Arn"])


def test_the_evaluator_looks_at_both_buckets_and_changes_nothing(stacks: Deployed) -> None:
    s3, result = stacks.evaluator("s3"), "results/first/report.html"

    seen = require_seen(
        "evaluator",
        [
            ("ListBuckets", "the account", s3.list_buckets),
            ("ListObjectsV2", "the data bucket", partial(s3.list_objects_v2, Bucket=stacks.data)),
            ("GetBucketLocation", "the data bucket", partial(s3.get_bucket_location, Bucket=stacks.data)),
            *on_objects(s3, stacks.data, result, "a result", "GetObject", "HeadObject"),
            ("ListObjectsV2", "the logs bucket", partial(s3.list_objects_v2, Bucket=stacks.logs)),
            *on_objects(s3, stacks.logs, "emr/j-1/stderr.gz", "a log", "GetObject"),
            *on_objects(s3, stacks.data, OBJECTS[0], "a photo", "GetObject", "PutObject"),
            *on_objects(s3, stacks.data, result, "a result", "PutObject", "CopyObject", "DeleteObject"),
            *on_objects(s3, stacks.data, result, "a result", "PutObjectAcl", "PutObjectTagging"),
            *on_objects(s3, stacks.data, result, "a result", "CreateMultipartUpload"),
            *on_objects(s3, stacks.logs, "emr/j-1/stderr.gz", "a log", "DeleteObject"),
            ("ListObjectsV2", "another bucket", partial(s3.list_objects_v2, Bucket=OTHER)),
            *on_objects(s3, OTHER, "theirs.jpg", "an object of another bucket", "GetObject"),
            ("GetBucketPolicy", "the data bucket", partial(s3.get_bucket_policy, Bucket=stacks.data)),
            *on_account(stacks.evaluator, stacks),
        ],
    )

    assert [call for call, said in seen.items() if said == "allowed"] == [
        ("ListBuckets", "the account"),
        ("ListObjectsV2", "the data bucket"),
        ("GetBucketLocation", "the data bucket"),
        ("GetObject", "a result"),
        ("HeadObject", "a result"),
        ("ListObjectsV2", "the logs bucket"),
        ("GetObject", "a log"),
        ("GetObject", "a photo"),
    ]


def test_a_node_writes_results_notebooks_and_logs_only(stacks: Deployed) -> None:
    s3, data = stacks.node("s3"), stacks.data
    key = {"KeyId": stacks.resource("PermissionsDiskKey")}

    seen = require_seen(
        "nodes",
        [
            ("ListObjectsV2", "the data bucket", partial(s3.list_objects_v2, Bucket=data)),
            *on_objects(s3, data, OBJECTS[0], "a photo", "GetObject", "PutObject", "DeleteObject"),
            *on_objects(s3, data, OBJECTS[1], "code", "GetObject", "PutObject"),
            *on_objects(s3, data, OBJECTS[2], "a model", "GetObject", "PutObject"),
            *on_objects(s3, data, OBJECTS[3], "a result", "GetObject", "PutObject", "CreateMultipartUpload"),
            *on_objects(s3, data, OBJECTS[3], "a result", "DeleteObject", "PutObjectAcl"),
            *on_objects(s3, data, OBJECTS[5], "a notebook", "GetObject", "PutObject"),
            *on_objects(s3, data, "anything/else", "another folder", "PutObject"),
            *on_objects(s3, stacks.logs, "emr/j-1/new.gz", "a log of EMR", "PutObject"),
            *on_objects(s3, stacks.logs, "emr/j-1/stderr.gz", "a log of EMR", "GetObject", "DeleteObject"),
            *on_objects(s3, stacks.logs, "access/2026", "an access log", "PutObject"),
            ("ListObjectsV2", "the logs bucket", partial(s3.list_objects_v2, Bucket=stacks.logs)),
            *on_objects(s3, *stacks.asset, "its start-up script", "GetObject"),
            *on_objects(s3, stacks.asset[0], "other.zip", "another asset of the CDK", "GetObject"),
            ("ListBuckets", "the account", s3.list_buckets),
            ("ListObjectsV2", "another bucket", partial(s3.list_objects_v2, Bucket=OTHER)),
            *on_objects(s3, OTHER, "theirs.jpg", "an object of another bucket", "GetObject", "PutObject"),
            ("kms:DescribeKey", "the disks' key", partial(stacks.node("kms").describe_key, **key)),
            (
                "kms:ScheduleKeyDeletion",
                "the disks' key",
                partial(stacks.node("kms").schedule_key_deletion, **key),
            ),
            *on_account(stacks.node, stacks),
        ],
    )

    changes = {"PutObject", "DeleteObject", "CreateMultipartUpload", "CopyObject", "PutObjectAcl"}
    assert {on for (call, on), said in seen.items() if said == "allowed" and call in changes} == {
        "a result",
        "a notebook",
        "a log of EMR",
    }
    assert {on for (call, on), said in seen.items() if said == "allowed" and call not in changes} == {
        *("the data bucket", "a photo", "code", "a model", "a result", "a notebook"),
        *("its start-up script", "the disks' key"),
    }


def test_emr_touches_no_bucket_and_no_identity(stacks: Deployed) -> None:
    s3, ec2, kms = stacks.service("s3"), stacks.service("ec2"), stacks.service("kms")
    key = {"KeyId": stacks.resource("PermissionsDiskKey")}

    seen = require_seen(
        "EMR",
        [
            ("ec2:DescribeVpcs", "the account", ec2.describe_vpcs),
            ("ec2:DescribeInstances", "the account", ec2.describe_instances),
            ("kms:DescribeKey", "the disks' key", partial(kms.describe_key, **key)),
            ("kms:Encrypt", "the disks' key", partial(kms.encrypt, **key, Plaintext=b"x")),
            ("kms:ScheduleKeyDeletion", "the disks' key", partial(kms.schedule_key_deletion, **key)),
            ("ListBuckets", "the account", s3.list_buckets),
            ("ListObjectsV2", "the data bucket", partial(s3.list_objects_v2, Bucket=stacks.data)),
            *on_objects(s3, stacks.data, OBJECTS[0], "a photo", "GetObject", "PutObject"),
            *on_objects(s3, stacks.data, OBJECTS[3], "a result", "GetObject", "PutObject", "DeleteObject"),
            *on_objects(s3, stacks.logs, "emr/j-1/stderr.gz", "a log", "GetObject"),
            *on_account(stacks.service, stacks),
        ],
    )

    assert [call for call, said in seen.items() if said == "allowed"] == [
        ("ec2:DescribeVpcs", "the account"),
        ("ec2:DescribeInstances", "the account"),
        ("kms:DescribeKey", "the disks' key"),
        ("kms:Encrypt", "the disks' key"),
    ]


def test_cloudformation_never_shows_the_evaluators_secret(stacks: Deployed) -> None:
    formation, secrets = stacks.administrator("cloudformation"), stacks.administrator("secretsmanager")
    secret = json.loads(secrets.get_secret_value(SecretId=stacks.outputs["EvaluatorSecret"])["SecretString"])

    said = [
        str(answered)
        for stack in ("OrchardData", "OrchardAccess", "OrchardCluster")
        for answered in (
            formation.describe_stacks(StackName=stack)["Stacks"],
            formation.describe_stack_events(StackName=stack)["StackEvents"],
            formation.list_stack_resources(StackName=stack)["StackResourceSummaries"],
            formation.get_template(StackName=stack)["TemplateBody"],
        )
    ]

    assert stacks.outputs["EvaluatorUser"] in "".join(said)
    assert [text for text in said if secret["secret_access_key"] in text] == []


def test_emr_passes_only_the_roles_that_a_cluster_needs(stacks: Deployed) -> None:
    # Services call these on behalf of EMR, so the policies in force are evaluated instead.
    iam, role = stacks.administrator("iam"), stacks.resource("PermissionsServiceRole")
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    managed = [iam.get_policy(PolicyArn=one["PolicyArn"])["Policy"] for one in attached]
    documents = [
        iam.get_policy_version(PolicyArn=one["Arn"], VersionId=one["DefaultVersionId"])["PolicyVersion"]["Document"]
        for one in managed
    ]
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents += [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in inline]

    def may(action: str, resource: str, **context: str) -> str:
        asked = Action(action, resource, {f"iam:{name}".lower(): [value] for name, value in context.items()})
        return "allowed" if allowed(asked, Policies(frozenset(), documents)) else "denied"

    nodes, linked = role_arn(stacks, "PermissionsNodeRole"), "arn:aws:iam::123456789012:role/aws-service-role"
    spot = f"{linked}/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    other = f"{linked}/lambda.amazonaws.com/AWSServiceRoleForLambda"
    rows = [
        ("pass the nodes' role", "to EC2", may("iam:PassRole", nodes, PassedToService="ec2.amazonaws.com")),
        ("pass the nodes' role", "to Lambda", may("iam:PassRole", nodes, PassedToService="lambda.amazonaws.com")),
        (
            "pass another role",
            "to EC2",
            may("iam:PassRole", "arn:aws:iam::123456789012:role/Admin", PassedToService="ec2.amazonaws.com"),
        ),
        (
            "make the service-linked role",
            "of Spot",
            may("iam:CreateServiceLinkedRole", spot, AWSServiceName="spot.amazonaws.com"),
        ),
        (
            "make the service-linked role",
            "of Lambda",
            may("iam:CreateServiceLinkedRole", other, AWSServiceName="lambda.amazonaws.com"),
        ),
        ("make a role", "any", may("iam:CreateRole", "arn:aws:iam::123456789012:role/New")),
        ("give a role a policy", "any", may("iam:PutRolePolicy", nodes)),
    ]

    assert [said for _, _, said in rows] == ["allowed", "denied", "denied", "allowed", "denied", "denied", "denied"]
    require_table("security.md", "EMR on behalf", ("what", "which", "answer"), rows)
