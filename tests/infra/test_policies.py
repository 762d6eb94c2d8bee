"""The policy files in docs/policies allow what the commands call and what CloudFormation needs for each resource.

They have not been tried in a real account. What a resource needs is what AWS publishes in CloudFormation's registry
schemas (``handlers``), which cfn-lint carries.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.aws.stacks import BOOTSTRAP_VERSION
from infra.settings import NETWORKS
from tests.infra.iam import allowed
from tests.infra.synthesis import ACCOUNT, ROOT, Synthesise

POLICIES = ROOT / "docs" / "policies"
LONGEST_POLICY = 6144
"""Characters of a managed policy that IAM takes, white space not counted."""

PREFIXES = {"emr": "elasticmapreduce", "resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}
"""What IAM calls a service that boto3 calls otherwise."""

ACTIONS = {
    "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
}
"""What IAM checks of calls that it does not name after the operation."""

TRANSFERS = {"upload_fileobj": ["s3:PutObject", "s3:AbortMultipartUpload"], "download_file": ["s3:GetObject"]}
"""boto3's own methods, which make several calls."""

PLACES = {
    "s3": ["arn:aws:s3:::orcharddata-data666c94c7-1x2y3z", "arn:aws:s3:::orcharddata-logs6819bb44-1x2y3z/emr/j-1/x.gz"],
    "logs": ["*", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/orchard/steps"],
    "cloudformation": [f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/OrchardCluster/0a1b"],
    "ssm": [f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter{BOOTSTRAP_VERSION}"],
}
"""What calls are made on, as CloudFormation names it; all others on nothing that the policy tells apart."""

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/OrchardBoundary"

OWN_TAG = {"aws:ResourceTag/project": "orchard"}

WITHOUT_PUBLISHED_LIST = {
    "AWS::EMR::Cluster": ["elasticmapreduce:RunJobFlow", "elasticmapreduce:TerminateJobFlows", "iam:PassRole"],
    "AWS::IAM::AccessKey": ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys", "iam:UpdateAccessKey"],
}

ALSO_NEEDED = {
    # EC2 makes a private hosted zone for an interface endpoint with private DNS.
    "AWS::EC2::VPCEndpoint": ["route53:AssociateVPCWithHostedZone"],
}
"""What the schemas leave out."""

NOT_USED = {
    "ec2": {
        *("AcceptAddressTransfer", "AttachVpnGateway", "DetachVpnGateway", "AssociateSubnetCidrBlock"),
        *("DisassociateSubnetCidrBlock", "ModifyVpcTenancy", "AssociateNatGatewayAddress"),
        *("DisassociateNatGatewayAddress", "AssignPrivateNatGatewayAddress", "UnassignPrivateNatGatewayAddress"),
        "CreateVpcEncryptionControl",
    },
    "iam": {
        # Of groups and passwords, and of a boundary that is taken away; our managed policy is attached to a user only.
        *("AddUserToGroup", "RemoveUserFromGroup", "AttachGroupPolicy", "DetachGroupPolicy"),
        *("CreateLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile", "PutUserPolicy", "DeleteUserPolicy"),
        *("DeleteUserPermissionsBoundary", "DeleteRolePermissionsBoundary"),
    },
    "s3": {
        *("PutAccelerateConfiguration", "PutAnalyticsConfiguration", "PutIntelligentTieringConfiguration"),
        *("PutInventoryConfiguration", "PutMetricsConfiguration", "PutObjectLockConfiguration"),
        *("PutReplicationConfiguration", "PutObjectAcl", "DeleteObject", "CreateBucketMetadataTableConfiguration"),
        *("DeleteBucketWebsite", "DeleteBucketAnalyticsConfiguration", "DeleteBucketCors"),
        *("DeleteBucketMetricsConfiguration", "DeleteBucketEncryption", "DeleteBucketLifecycle"),
        *("DeleteBucketReplication", "DeleteBucketMetadataTableConfiguration"),
        *("UpdateBucketMetadataAnnotationTableConfiguration", "UpdateBucketMetadataInventoryTableConfiguration"),
        "UpdateBucketMetadataJournalTableConfiguration",
    },
    "logs": {
        *(
            "AssociateKmsKey",
            "DisassociateKmsKey",
            "CreateLogDelivery",
            "DescribeResourcePolicies",
            "PutResourcePolicy",
        ),
        *("GetDataProtectionPolicy", "PutDataProtectionPolicy", "DeleteDataProtectionPolicy"),
        *("PutIndexPolicy", "DeleteIndexPolicy", "DescribeIndexPolicies"),
        *("DeleteResourcePolicy", "PutBearerTokenAuthentication", "PutLogGroupDeletionProtection"),
    },
    "secretsmanager": {"ReplicateSecretToRegions", "RemoveRegionsFromReplication"},
}
"""Actions of properties that no template of ours sets; whole services below."""

NOT_USED_BY = {
    # Of replication, and of a policy that is attached to a role.
    "AWS::S3::Bucket": {"iam:PassRole"},
    # Of deliveries.
    "AWS::Logs::LogGroup": {"s3:REST.PUT.OBJECT"},
    # Of a target, or a protocol, that needs a role.
    "AWS::Events::Rule": {"iam:PassRole"},
    "AWS::SNS::Subscription": {"iam:PassRole", "iam:GetRole"},
    "AWS::SNS::Topic": {"iam:PassRole", "iam:GetRole"},
    "AWS::IAM::ManagedPolicy": {"iam:AttachRolePolicy", "iam:DetachRolePolicy"},
}

SERVICES_NOT_USED = {"billing", "firehose", "vpc-lattice", "vpce", "s3tables"}


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((POLICIES / name).read_text())["Statement"]
    return found


def calling() -> Iterator[Path]:
    """Yield what calls AWS for a command; the demonstration looks at a cloud of its own."""
    for part in ("aws", "doctor", "upload", "runs", "pricing", "teardown", "commands"):
        for file in (ROOT / "infra" / part).rglob("*.py"):
            if file.name not in ("demonstration.py", "sample_photos.py"):
                yield file


def calls_of_the_commands() -> dict[str, set[str]]:
    """Return the actions that IAM checks of what the commands and their parts call, and the files that call it."""
    named: dict[str, set[str]] = {}
    services = {"s3", "emr", "cloudformation"}
    for file in calling():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute):
                named.setdefault(node.attr, set()).add(file.name)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # Of paginators, and of questions that have one form for many services.
                named.setdefault(node.value, set()).add(file.name)
            if isinstance(node, ast.Call) and _name(node.func) in ("client", "service") and node.args:
                services |= {str(first.value) for first in node.args[:1] if isinstance(first, ast.Constant)}
    session, found = botocore.session.get_session(), dict[str, set[str]]()
    for service in services:
        prefix = PREFIXES.get(service, service)
        for operation in session.get_service_model(service).operation_names:
            action = f"{prefix}:{operation}"
            for checked in ACTIONS.get(action, [action]):
                found.setdefault(checked, set()).update(named.get(xform_name(operation), set()))
    for method, actions in TRANSFERS.items():
        for action in actions:
            found.setdefault(action, set()).update(named.get(method, set()))
    return {action: files for action, files in found.items() if files}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.json")), ids=lambda file: file.name)
def test_iam_takes_a_policy_of_that_length(file: Path) -> None:
    assert len("".join(file.read_text().split())) <= LONGEST_POLICY


def test_an_operator_may_make_every_call_of_the_commands() -> None:
    called, policy = calls_of_the_commands(), statements("operator.json")

    # The search finds what is there: a call of each service, and one of each way to make it
    assert {"s3:PutObject", "tag:GetResources", "pricing:GetProducts", "ec2:DescribeVolumes"} <= set(called)
    missing = [
        (action, sorted(files))
        for action, files in called.items()
        if not any(allowed(policy, action, place, OWN_TAG) for place in PLACES.get(action.split(":")[0], ["*"]))
    ]
    assert missing == []


def test_an_operator_may_make_no_call_of_no_command() -> None:
    granted = {action for statement in statements("operator.json") for action in _list(statement["Action"])}

    # Deployment goes through the CDK's roles; EMR needs the second to open Spark's history; the last three are of
    # commands that are printed for the user to type
    assert granted - set(calls_of_the_commands()) == {
        "sts:AssumeRole",
        "elasticmapreduce:DescribePersistentAppUI",
        "secretsmanager:GetSecretValue",
        "ssm:StartSession",
        "ssm:TerminateSession",
    }


def test_an_operator_reaches_no_bucket_or_group_of_others() -> None:
    policy = statements("operator.json")

    assert not allowed(policy, "s3:GetObject", "arn:aws:s3:::somebody-elses/x")
    assert not allowed(policy, "ec2:DeleteSecurityGroup", "*", {"aws:ResourceTag/project": "theirs"})
    assert not allowed(policy, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin")


def needed(kind: str) -> list[str]:
    """Return the actions that CloudFormation needs for a type of resource, those of unused properties left out."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema.get("handlers", {})
    # The last handler lists resources that are not in any stack.
    published = {action for name, handler in handlers.items() if name != "list" for action in handler["permissions"]}
    listed = [*(published or WITHOUT_PUBLISHED_LIST.get(kind, [])), *ALSO_NEEDED.get(kind, [])]
    actions = sorted({action.replace("S3:", "s3:") for action in listed})
    return [
        action
        for action in actions
        if (service := action.split(":")[0]) not in SERVICES_NOT_USED
        and action.split(":")[1] not in NOT_USED.get(service, set())
        and action not in NOT_USED_BY.get(kind, set())
    ]


def _made_of(kind: str, stack: str, logical_id: str) -> list[str]:
    """Return what a resource will be called, as CloudFormation makes names."""
    iam = f"arn:aws:iam::{ACCOUNT}"
    return {
        "AWS::IAM::Role": [f"{iam}:role/{stack}-{logical_id}-1X2Y"],
        # Its name is the role's.
        "AWS::IAM::InstanceProfile": [
            f"{iam}:{message}/{stack}-{logical_id}-1X2Y" for message in ("instance-profile", "role")
        ],
        "AWS::IAM::User": [f"{iam}:user/{stack}-{logical_id}-1X2Y"],
        "AWS::IAM::AccessKey": [f"{iam}:user/{stack}-{logical_id}-1X2Y"],
        "AWS::IAM::ManagedPolicy": [
            *(f"{iam}:policy/{stack}-{logical_id}-1X2Y", f"{iam}:user/{stack}-Evaluator-1X2Y"),
        ],
        "AWS::EMR::Cluster": ["*", f"{iam}:role/{stack}-PermissionsNodeRole-1X2Y"],
        "AWS::S3::Bucket": [f"arn:aws:s3:::{stack.lower()}-{logical_id.lower()}-1x2y"],
        "AWS::S3::BucketPolicy": [f"arn:aws:s3:::{stack.lower()}-{logical_id.lower()}-1x2y"],
        "AWS::Events::Rule": [f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{stack}-{logical_id}-1X2Y", "*"],
        "AWS::SNS::Topic": [f"arn:aws:sns:eu-west-1:{ACCOUNT}:{stack}-{logical_id}-1X2Y", "*"],
        "AWS::SNS::TopicPolicy": [f"arn:aws:sns:eu-west-1:{ACCOUNT}:{stack}-{logical_id}-1X2Y"],
        "AWS::SNS::Subscription": [f"arn:aws:sns:eu-west-1:{ACCOUNT}:{stack}-{logical_id}-1X2Y", "*"],
        "AWS::Logs::LogGroup": [f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/orchard/steps", "*"],
        "AWS::SecretsManager::Secret": [
            *(f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{logical_id}-1X2Y", "*"),
        ],
    }.get(kind, ["*"])


def made(environment: Synthesise) -> set[tuple[str, str, str]]:
    """Return type, stack and logical id of every resource of any template."""
    found = set()
    for network in NETWORKS:
        of = environment(
            network=network, alert_email="owner@example.org", session_manager=True, jupyterhub=True, live_logs=True
        )
        for stack in of.stacks():
            found |= {(resource["Type"], stack, name) for name, resource in of.template(stack)["Resources"].items()}
    return found


def asked_with(action: str) -> dict[str, str]:
    """Return the condition keys of a call that CloudFormation makes for our templates."""
    attached = {
        "iam:AttachRolePolicy": "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2",
        "iam:AttachUserPolicy": f"arn:aws:iam::{ACCOUNT}:policy/OrchardAccess-LookOnly-1X2Y",
    }
    return {
        "iam:PassedToService": "ec2.amazonaws.com",
        "iam:PermissionsBoundary": BOUNDARY,
        "iam:PolicyARN": attached.get(action, ""),
    }


def test_cloudformation_may_create_change_and_delete_everything(environment: Synthesise) -> None:
    policy = statements("cloudformation.json")
    missing = [
        (kind, action)
        for kind, stack, name in sorted(made(environment))
        for action in needed(kind) or [f"no permissions are listed for {kind}"]
        if not any(allowed(policy, action, each, asked_with(action)) for each in _made_of(kind, stack, name))
    ]
    assert missing == []


def test_cloudformation_may_do_nothing_that_no_resource_needs(environment: Synthesise) -> None:
    kinds = {kind for kind, _, _ in made(environment)}
    of_resources = {action for kind in kinds for action in needed(kind)}
    others = {
        # Of the cluster, for which AWS publishes no list
        *("elasticmapreduce:*", "iam:CreateServiceLinkedRole"),
        "ssm:GetParameters",
        # Of the handlers that list resources
        *("events:ListRules", "sns:ListSubscriptions", "sns:ListTopics"),
        # CloudFormation cleans up behind a user whose keys it made
        "iam:DeleteAccessKey",
    }

    granted = {action for statement in statements("cloudformation.json") for action in _list(statement["Action"])}

    unused = {
        action for action in granted - others if not any(allowed_by(action, needed_one) for needed_one in of_resources)
    }
    assert unused == set()


def allowed_by(pattern: str, action: str) -> bool:
    return allowed([{"Effect": "Allow", "Action": pattern, "Resource": "*"}], action, "*")


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
