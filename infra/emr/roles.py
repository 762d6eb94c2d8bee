"""The IAM policies of EMR's service role and of the cluster's nodes, as plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PolicyDocument = dict[str, Any]

SERVICE_POLICY = "service-role/AmazonEMRServicePolicy_v2"
"""The managed policy of EMR's service role; version 1 is being retired."""
MANAGED_POLICY_TAG = "for-use-with-amazon-emr-managed-policies"
"""With the value "true", lets ``SERVICE_POLICY`` act on the cluster, subnets and groups that carry it."""

LOG_GROUP = "/orchard/steps"
"""CloudWatch log group of steps' logs, where ``live_logs`` is on."""

SERVICE_LINKED_ROLES = {
    "spot.amazonaws.com": "AWSServiceRoleForEC2Spot",
    "elasticmapreduce.amazonaws.com": "AWSServiceRoleForEMRCleanup",
}
"""Roles that an account has once, by the service that uses each."""

READ_FOLDERS = ("code", "images", "models", "notebooks", "results")
WRITTEN_FOLDERS = ("notebooks", "results")

_WITHIN_FOLDER = "One folder of one bucket of this project; the names of the objects in it come with the data."


@dataclass(frozen=True)
class Statement:
    """One statement of an IAM policy that allows something."""

    name: str
    actions: Sequence[str]
    resources: Sequence[str]
    condition: dict[str, Any] | None = None
    wildcard_reason: str = ""  # why a resource holds a ``*``; empty where none does

    def to_json(self) -> dict[str, Any]:
        """Return the statement as IAM writes it."""
        statement: dict[str, Any] = {
            "Sid": self.name,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return statement if self.condition is None else statement | {"Condition": self.condition}


def policy_document(statements: Sequence[Statement]) -> PolicyDocument:
    """Return an IAM policy document made of statements."""
    return {"Version": "2012-10-17", "Statement": [statement.to_json() for statement in statements]}


def service_role_statements(node_role_arn: str, key_arn: str) -> list[Statement]:
    """Return what EMR's service role needs in addition to ``SERVICE_POLICY``.

    Parameters
    ----------
    node_role_arn
        The role of the cluster's nodes: the managed policy lets EMR pass ``EMR_EC2_DefaultRole`` only.
    """
    passing = Statement(
        "PassNodeRole",
        ["iam:PassRole"],
        [node_role_arn],
        {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )
    linked_roles = [
        # The first use of Spot, or of EMR, in an account makes these; the managed policy does not allow it.
        Statement(
            f"Create{role}",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:aws:iam::*:role/aws-service-role/{service}/{role}*"],
            {"StringEquals": {"iam:AWSServiceName": service}},
            wildcard_reason="AWS adds the account and a suffix; the condition names the service.",
        )
        for service, role in SERVICE_LINKED_ROLES.items()
    ]
    disks = [
        Statement(
            "EncryptDisks",
            [
                *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
                *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            ],
            [key_arn],
        ),
        Statement(
            "LendKeyToDisks",
            ["kms:CreateGrant"],
            [key_arn],
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
    return [passing, *linked_roles, *disks]


def node_role_statements(
    data_bucket_arn: str, logs_bucket_arn: str, asset_arns: Sequence[str], key_arn: str, region: str
) -> list[Statement]:
    """Return what every node of the cluster may do, and with it every step.

    Parameters
    ----------
    asset_arns
        Objects that start-up scripts fetch.
    """
    return [
        # No condition on the prefix: without permission to list the bucket, S3 answers a request for a missing object
        # with 403 instead of 404, and such a request has no prefix. The job may see all names.
        Statement("ListData", ["s3:GetBucketLocation", "s3:ListBucket"], [data_bucket_arn]),
        Statement(
            "ReadData",
            ["s3:GetObject"],
            [f"{data_bucket_arn}/{folder}/*" for folder in READ_FOLDERS],
            wildcard_reason=_WITHIN_FOLDER,
        ),
        Statement(
            "WriteData",
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            [f"{data_bucket_arn}/{folder}/*" for folder in WRITTEN_FOLDERS],
            wildcard_reason=_WITHIN_FOLDER,
        ),
        Statement("FindLogs", ["s3:GetBucketLocation"], [logs_bucket_arn]),
        Statement(
            "WriteLogs",
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            [f"{logs_bucket_arn}/emr/*"],
            wildcard_reason=_WITHIN_FOLDER,
        ),
        Statement("ReadStartUpScripts", ["s3:GetObject"], asset_arns),
        # Where EMR keeps Spark's event logs for the history pages that outlive the cluster.
        Statement(
            "KeepSparkHistory",
            ["s3:PutObject"],
            [f"arn:aws:s3:::prod.{region}.appinfo.src/*"],
            wildcard_reason="EMR's own bucket for Spark's history pages; EMR names the objects.",
        ),
        Statement(
            "UseEncryptedDisks",
            ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
            [key_arn],
        ),
    ]


def session_manager_statements() -> list[Statement]:
    """Return what Session Manager's agent on a node needs."""
    return [
        Statement(
            "SessionManager",
            [
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            ["*"],
            wildcard_reason="None of Session Manager's agent actions can be bound to a resource.",
        )
    ]


def jupyterhub_statements(data_bucket_arn: str, secret_arn: str, region: str) -> list[Statement]:
    """Return what JupyterHub needs: its password, through Systems Manager, and the folder of its notebooks."""
    reference = "parameter/aws/reference/secretsmanager/JupyterHubPassword*"
    return [
        Statement("ReadJupyterHubPassword", ["secretsmanager:GetSecretValue"], [secret_arn]),
        Statement(
            "FindJupyterHubPassword",
            ["ssm:GetParameter"],
            [f"arn:aws:ssm:{region}:*:{reference}"],
            wildcard_reason="A reference to one secret, whose name CloudFormation makes.",
        ),
        Statement(
            "KeepNotebooks",
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            [f"{data_bucket_arn}/jupyter/*"],
            wildcard_reason=_WITHIN_FOLDER,
        ),
    ]


def live_log_statements(region: str) -> list[Statement]:
    """Return what the CloudWatch agent needs to send the logs of steps."""
    group = f"arn:aws:logs:{region}:*:log-group:{LOG_GROUP}"
    return [
        Statement(
            "SendStepLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [group, f"{group}:*"],
            wildcard_reason="One log group of this account; EMR names the streams in it.",
        ),
        Statement(
            "FindLogGroups",
            ["logs:DescribeLogGroups"],
            ["*"],
            wildcard_reason="Log groups can only be listed as a whole.",
        ),
    ]


def certificate_statements(tls_certificates: str) -> list[Statement]:
    """Return what a node needs to fetch the PEM bundle at an ``s3://`` URI."""
    return [Statement("ReadCertificates", ["s3:GetObject"], [f"arn:aws:s3:::{tls_certificates.removeprefix('s3://')}"])]
