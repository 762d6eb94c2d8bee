"""The permissions of a cluster: the role of its nodes, EMR's service role, and the key of its disks."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.emr import roles
from infra.settings import Settings
from infra.stacks.acknowledgements import acknowledge, name_in_findings, wildcard_reasons

KEY_WAITING_DAYS = 7
"""The shortest time that KMS lets pass between the deletion of a key's stack and of the key."""


class Permissions(Construct):
    """Roles with inline policies, so that a role never exists without its permissions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: s3.IBucket,
        logs: s3.IBucket,
        asset_arns: list[str],
        password_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.disk_key = self._make_disk_key()

        def statements(data_arn: str, logs_arn: str) -> list[roles.Statement]:
            return node_statements(settings, data_arn, logs_arn, asset_arns, self.disk_key.key_arn, password_arn)

        self.node_role = self._make_node_role(statements(data.bucket_arn, logs.bucket_arn))
        seen_by_nag = statements(name_in_findings(data), name_in_findings(logs))
        acknowledge(self.node_role, wildcard_reasons(seen_by_nag))
        self.service_role = self._make_service_role()
        self.instance_profile = iam.CfnInstanceProfile(
            self,
            "InstanceProfile",
            # EMR takes the profile's name for the role's: they must be the same.
            instance_profile_name=self.node_role.role_name,
            roles=[self.node_role.role_name],
        )

    def _make_disk_key(self) -> kms.Key:
        key = kms.Key(
            self,
            "DiskKey",
            description="Encrypts the disks of Orchard's cluster",
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(KEY_WAITING_DAYS),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        # Like AWS's own key for EBS: every principal that may start instances here may do so with encrypted disks.
        # EC2's Spot service is among them, and its role cannot be given a policy.
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EncryptDisksOfInstances",
                principals=[iam.AnyPrincipal()],
                actions=[
                    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
                    *("kms:GenerateDataKey*", "kms:ReEncrypt*"),
                ],
                resources=["*"],
                conditions={
                    "StringEquals": {
                        "kms:CallerAccount": cdk.Aws.ACCOUNT_ID,
                        "kms:ViaService": f"ec2.{self._settings.region}.amazonaws.com",
                    }
                },
            )
        )
        return key

    def _make_node_role(self, statements: list[roles.Statement]) -> iam.Role:
        return iam.Role(
            self,
            "NodeRole",
            description="What the nodes of the cluster, and every step, may do",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            inline_policies={"Nodes": iam.PolicyDocument.from_json(roles.policy_document(statements))},
        )

    def _make_service_role(self) -> iam.Role:
        statements = roles.service_role_statements(self.node_role.role_arn, self.disk_key.key_arn)
        clusters = f"arn:aws:elasticmapreduce:{self._settings.region}:{cdk.Aws.ACCOUNT_ID}:*"
        role = iam.Role(
            self,
            "ServiceRole",
            description="What EMR may do to run the cluster",
            assumed_by=iam.ServicePrincipal(
                "elasticmapreduce.amazonaws.com",
                # Only on behalf of clusters in this account and region.
                conditions={
                    "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": clusters},
                },
            ),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(roles.SERVICE_POLICY)],
            inline_policies={"Cluster": iam.PolicyDocument.from_json(roles.policy_document(statements))},
        )
        acknowledge(role, wildcard_reasons(statements))
        managed = f"arn:<AWS::Partition>:iam::aws:policy/{roles.SERVICE_POLICY}"
        reason = "AWS keeps it in step with EMR; it acts on tagged resources only."
        acknowledge(role, {f"IAM4[Policy::{managed}]": reason})
        return role


def node_statements(
    settings: Settings,
    data_arn: str,
    logs_arn: str,
    asset_arns: list[str],
    key_arn: str,
    password_arn: str | None,
) -> list[roles.Statement]:
    """Return what the nodes may do under given settings.

    Parameters
    ----------
    password_arn
        Secret with JupyterHub's password, None without JupyterHub.
    """
    statements = roles.node_role_statements(data_arn, logs_arn, asset_arns, key_arn, settings.region)
    if settings.session_manager:
        statements += roles.session_manager_statements()
    if password_arn:
        statements += roles.jupyterhub_statements(data_arn, password_arn, settings.region)
    if settings.live_logs:
        statements += roles.live_log_statements(settings.region)
    if settings.tls_certificates:
        statements += roles.certificate_statements(settings.tls_certificates)
    return statements
