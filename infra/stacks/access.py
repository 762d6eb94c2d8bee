"""OrchardAccess: the evaluator, an IAM user who may read the two buckets and change nothing."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.emr import Statement, policy_document
from infra.settings import Settings
from infra.stacks.acknowledgements import acknowledge, name_in_findings, wildcard_reasons


class AccessStack(cdk.Stack):
    """The evaluator, who has a key in Secrets Manager and no password; without one, the stack is empty."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        buckets: tuple[s3.IBucket, s3.IBucket],
        env: cdk.Environment,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Orchard: read-only access for an evaluator")
        if settings.evaluator:
            self._make_evaluator(settings.evaluator_key_serial, buckets)
        else:
            # A stack must hold something, and this costs nothing.
            cdk.CfnWaitConditionHandle(self, "NoEvaluator")

    def _make_evaluator(self, key_serial: int, buckets: tuple[s3.IBucket, s3.IBucket]) -> None:
        user = iam.User(self, "Evaluator")
        policy = iam.ManagedPolicy(
            self,
            "LookOnly",
            description="Lists and reads Orchard's two buckets",
            document=iam.PolicyDocument.from_json(
                policy_document(evaluator_statements([bucket.bucket_arn for bucket in buckets]))
            ),
            users=[user],
        )
        seen_by_nag = evaluator_statements([name_in_findings(bucket) for bucket in buckets])
        acknowledge(policy, wildcard_reasons(seen_by_nag))
        # A higher serial replaces the key: the old one stops working when the deployment ends.
        key = iam.AccessKey(self, "Key", user=user, serial=key_serial)
        secret = secretsmanager.Secret(
            self,
            "KeySecret",
            description="Access key of Orchard's evaluator",
            secret_object_value={
                "access_key_id": cdk.SecretValue.resource_attribute(key.access_key_id),
                "secret_access_key": key.secret_access_key,
            },
        )
        acknowledge(
            secret,
            {
                "SMG4": "Rotated by raising evaluator_key_serial: rotation by itself would take a Lambda "
                "function that may make keys, for a user who can only read."
            },
        )
        cdk.CfnOutput(self, "EvaluatorUser", value=user.user_name, description="Who the evaluator is")
        cdk.CfnOutput(self, "EvaluatorSecret", value=secret.secret_arn, description="Where the evaluator's key lies")


def evaluator_statements(bucket_arns: list[str]) -> list[Statement]:
    """Return the policy of a user who may read buckets and change nothing."""
    return [
        Statement(
            "SeeNamesOfBuckets",
            ["s3:ListAllMyBuckets"],
            ["*"],
            wildcard_reason="The names of the account's buckets can only be listed as a whole.",
        ),
        Statement("ListBuckets", ["s3:GetBucketLocation", "s3:ListBucket"], bucket_arns),
        Statement(
            "ReadObjects",
            ["s3:GetObject"],
            [f"{arn}/*" for arn in bucket_arns],
            wildcard_reason="The evaluator is to read everything in these two buckets.",
        ),
    ]
