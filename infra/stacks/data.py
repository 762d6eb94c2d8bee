"""OrchardData: the bucket with images, code, models and results, and the bucket with logs."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings
from infra.stacks.acknowledgements import acknowledge

UNFINISHED_UPLOAD_DAYS = 7


class DataStack(cdk.Stack):
    """What outlives every cluster."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, env: cdk.Environment) -> None:
        super().__init__(
            scope, construct_id, env=env, description="Orchard: images, code, models, results and logs in S3"
        )
        self._removal = cdk.RemovalPolicy.DESTROY if settings.may_delete_data else cdk.RemovalPolicy.RETAIN
        self.logs = self._bucket("Logs", expiry(settings.log_retention_days))
        self.data = self._bucket("Data", archiving(settings.results_archive_days), logs_to=self.logs)
        acknowledge(self.logs, {"S1": _OWN_ACCESS_LOG})
        if settings.delete_data != settings.confirm_delete_data:
            other = "confirm_delete_data" if settings.delete_data else "delete_data"
            cdk.Annotations.of(self).add_warning_v2(
                "Orchard:DataKept",
                f"Only one of the two switches that let data be deleted is set: the buckets stay. "
                f"To have 'cdk destroy' delete them, add -c {other}=true as well and deploy first.",
            )
        # CloudFormation deletes no export in use, so none may depend on a setting of another stack.
        for bucket in (self.data, self.logs):
            self.export_value(bucket.bucket_arn)
            self.export_value(bucket.bucket_name)
        cdk.CfnOutput(self, "DataBucket", value=self.data.bucket_name, description="Images, code, models, results")
        cdk.CfnOutput(self, "LogsBucket", value=self.logs.bucket_name, description="EMR's logs and access logs")

    def _bucket(self, name: str, rules: list[s3.LifecycleRule], logs_to: s3.IBucket | None = None) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[*rules, _UNFINISHED_UPLOADS],
            server_access_logs_bucket=logs_to,
            server_access_logs_prefix="access/" if logs_to else None,
            removal_policy=self._removal,
        )


def expiry(days: int) -> list[s3.LifecycleRule]:
    """Return the rule that deletes everything some days after it was written."""
    return [s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(days))]


def archiving(days: int) -> list[s3.LifecycleRule]:
    """Return the rule that moves results to a class that is cheap to keep and as quick to read."""
    return [
        s3.LifecycleRule(
            id="old-results",
            prefix="results/",
            transitions=[
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                    transition_after=cdk.Duration.days(days),
                )
            ],
        )
    ]


_UNFINISHED_UPLOADS = s3.LifecycleRule(
    id="unfinished-uploads",
    abort_incomplete_multipart_upload_after=cdk.Duration.days(UNFINISHED_UPLOAD_DAYS),
)
_OWN_ACCESS_LOG = (
    "This bucket receives the access log of the data bucket; logging its own accesses into itself would "
    "write a log entry for every log entry."
)
