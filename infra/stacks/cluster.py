"""OrchardCluster: everything that costs by the hour, and nothing that must outlive it."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_emr as emr
from aws_cdk import aws_logs as cloudwatch_logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import versions
from infra.emr import (
    ROOT_DISK_GIB,
    Classification,
    classifications,
    executor_size,
    fleets,
    roles,
    security_configuration,
    task_capacity,
)
from infra.settings import Settings
from infra.stacks.acknowledgements import acknowledge
from infra.stacks.alerts import alert_rule, cluster_alerts
from infra.stacks.network import Network, s3_endpoint_statements
from infra.stacks.permissions import Permissions
from infra.standing_cost import STANDING_OUTPUT, standing_usd_a_month

EMR_FOLDER = Path(__file__).resolve().parent.parent / "emr"
LIBRARIES_FOLDER = "/opt/orchard/python"
"""Where the bootstrap action puts the job's virtual environment, on every node."""
INTERPRETER = f"{LIBRARIES_FOLDER}/bin/python"
"""What Spark runs drivers and executors with."""
LIVE_LOG_DAYS = 7
"""How long CloudWatch keeps the logs of steps; S3 keeps them for ``log_retention_days``."""
_Cluster = emr.CfnCluster


class ClusterStack(cdk.Stack):
    """The cluster, its network, its roles and its disks' key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: s3.IBucket,
        logs: s3.IBucket,
        wheelhouse: Path,
        alerts: sns.ITopic | None,
        env: cdk.Environment,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Orchard: the EMR cluster and what it needs")
        self._settings = settings
        self._data = data
        self._logs = logs
        self._script = s3_assets.Asset(self, "BootstrapScript", path=str(EMR_FOLDER / "bootstrap/bootstrap.sh"))
        self._wheelhouse = s3_assets.Asset(self, "Wheelhouse", path=str(wheelhouse))
        self._password_script: s3_assets.Asset | None = None
        self._password: secretsmanager.Secret | None = None
        if settings.jupyterhub:
            self._password_script = s3_assets.Asset(
                self, "PasswordScript", path=str(EMR_FOLDER / "jupyterhub_password.sh")
            )
            self._password = self._make_password()
        self._network = Network(self, "Network", settings=settings)
        if settings.network == "private":
            self._network.limit_s3(s3_endpoint_statements(settings.region, *self._reachable_in_s3()))
        self._permissions = Permissions(
            self,
            "Permissions",
            settings=settings,
            data=data,
            logs=logs,
            asset_arns=self._asset_arns(),
            password_arn=self._password.secret_arn if self._password else None,
        )
        self._cluster = self._make_cluster()
        standing = standing_usd_a_month(settings)
        if alerts is not None:
            for name, alert in cluster_alerts(self._cluster.ref, settings.region, standing).items():
                alert_rule(self, name, alert, alerts)
        cdk.CfnOutput(
            self,
            STANDING_OUTPUT,
            value=f"{standing:.2f}",
            description="USD a month that this stack costs after its cluster has ended",
        )
        cdk.CfnOutput(self, "ClusterId", value=self._cluster.ref, description="The cluster that steps go to")
        cdk.CfnOutput(
            self,
            "NodeRole",
            value=self._permissions.node_role.role_name,
            description="What every step runs as",
        )
        if self._password:
            cdk.CfnOutput(
                self,
                "JupyterHubSecret",
                value=self._password.secret_arn,
                description="Where the password of JupyterHub's user jovyan lies",
            )

    def _make_password(self) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "JupyterHubPassword",
            description="Password of JupyterHub's user jovyan",
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=24),
        )
        acknowledge(secret, {"SMG4": "A new cluster stack makes a new password, and a cluster lives for hours."})
        return secret

    def _asset_arns(self) -> list[str]:
        assets = filter(None, (self._script, self._wheelhouse, self._password_script))
        return [f"arn:aws:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}" for asset in assets]

    def _reachable_in_s3(self) -> tuple[list[str], list[str]]:
        objects = [*self._asset_arns(), *[bucket.arn_for_objects("*") for bucket in (self._data, self._logs)]]
        if self._settings.tls_certificates:
            objects.append(f"arn:aws:s3:::{self._settings.tls_certificates.removeprefix('s3://')}")
        return objects, [self._data.bucket_arn, self._logs.bucket_arn]

    def _make_cluster(self) -> emr.CfnCluster:
        settings = self._settings
        configuration = emr.CfnSecurityConfiguration(
            self,
            "Security",
            security_configuration=security_configuration(
                self._permissions.disk_key.key_arn,
                settings.tls_certificates,
                # Notebooks ask from inside a container.
                metadata_hops=2 if settings.jupyterhub else 1,
            ),
        )
        groups = self._network.groups
        service_group = groups.get("service")
        task = task_capacity(settings.task_count, settings.spot_share)
        cluster = _Cluster(
            self,
            "Cluster",
            # A changed name makes CloudFormation replace the cluster, as `orchard up` does after one has ended.
            name=f"orchard-{settings.generation}",
            release_label=versions.RELEASE_LABEL,
            applications=[_Cluster.ApplicationProperty(name=name) for name in applications(settings)],
            service_role=self._permissions.service_role.role_name,
            job_flow_role=self._permissions.instance_profile.ref,
            security_configuration=configuration.ref,
            log_uri=f"s3://{self._logs.bucket_name}/emr/",
            ebs_root_volume_size=ROOT_DISK_GIB,
            step_concurrency_level=settings.step_concurrency,
            scale_down_behavior="TERMINATE_AT_TASK_COMPLETION",
            auto_termination_policy=_Cluster.AutoTerminationPolicyProperty(idle_timeout=settings.idle_minutes * 60),
            managed_scaling_policy=managed_scaling(settings),
            bootstrap_actions=[self._bootstrap_action()],
            steps=self._first_steps(),
            configurations=[_property(each) for each in cluster_classifications(settings, self._data.bucket_name)],
            instances=_Cluster.JobFlowInstancesConfigProperty(
                ec2_subnet_ids=self._network.subnet_ids,
                emr_managed_master_security_group=groups["primary"].security_group_id,
                emr_managed_slave_security_group=groups["worker"].security_group_id,
                service_access_security_group=service_group.security_group_id if service_group else None,
                keep_job_flow_alive_when_no_steps=True,
                termination_protected=False,
                master_instance_fleet=fleets.on_demand_fleet("primary", settings.primary_instance_types, 1),
                core_instance_fleet=fleets.on_demand_fleet("core", settings.worker_instance_types, settings.core_count),
                task_instance_fleets=[
                    fleets.task_fleet(settings.worker_instance_types, task, spot=settings.may_buy_spot)
                ]
                if settings.task_count
                else None,
            ),
            tags=[cdk.CfnTag(key=roles.MANAGED_POLICY_TAG, value="true")],
        )
        if settings.live_logs:
            self._send_logs(cluster)
        # CloudFormation cannot see that a cluster needs its rules and routes, from first to last minute.
        for part in self._network.unseen_parts():
            cluster.add_resource_dependency(part)
        acknowledge(cluster, _cluster_reasons(settings))
        if settings.jupyterhub and settings.core_count == 1:
            cdk.Annotations.of(cluster).add_warning_v2(
                "Orchard:OneCoreNode",
                "The one core node runs the Spark driver of every notebook, and has room for few of them. "
                "For several notebooks at a time add -c core_count=2.",
            )
        return cluster

    def _send_logs(self, cluster: emr.CfnCluster) -> None:
        """Have EMR send the logs of steps to a log group, which is deleted with the stack."""
        group = cloudwatch_logs.CfnLogGroup(
            self, "StepLogs", log_group_name=roles.LOG_GROUP, retention_in_days=LIVE_LOG_DAYS
        )
        group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        cluster.add_resource_dependency(group)
        # Newer than the schemas that the CDK ships with.
        cdk.Validations.of(cluster).acknowledge(
            cdk.Acknowledgment(
                id="CloudFormation-Validate::F3002",
                reason="MonitoringConfiguration is a property of AWS::EMR::Cluster since EMR 7.11.",
            )
        )
        cluster.add_property_override(
            "MonitoringConfiguration",
            {
                "CloudWatchLogConfiguration": {
                    "Enabled": True,
                    "LogGroupName": roles.LOG_GROUP,
                    "LogTypes": {"STEP_LOGS": ["STDOUT", "STDERR"]},
                }
            },
        )

    def _bootstrap_action(self) -> emr.CfnCluster.BootstrapActionConfigProperty:
        return _Cluster.BootstrapActionConfigProperty(
            name="Python libraries",
            script_bootstrap_action=_Cluster.ScriptBootstrapActionConfigProperty(
                path=self._script.s3_object_url,
                args=[
                    versions.CLUSTER_PYTHON,
                    LIBRARIES_FOLDER,
                    self._wheelhouse.s3_object_url,
                    self._settings.region,
                ],
            ),
        )

    def _first_steps(self) -> list[emr.CfnCluster.StepConfigProperty] | None:
        if not self._password_script or not self._password:
            return None
        region = self._settings.region
        fetch = f"aws s3 cp --region {region} --only-show-errors {self._password_script.s3_object_url} password.sh"
        run = f"bash password.sh {self._password.secret_arn} {region}"
        return [
            _Cluster.StepConfigProperty(
                name="JupyterHub password",
                # A notebook server with a published password must not keep running.
                action_on_failure="TERMINATE_CLUSTER",
                hadoop_jar_step=_Cluster.HadoopJarStepConfigProperty(
                    jar="command-runner.jar", args=["bash", "-c", f"{fetch} && {run}"]
                ),
            )
        ]


def applications(settings: Settings) -> list[str]:
    """Return the EMR applications to install; JupyterHub reaches Spark through Livy."""
    notebooks = ["Livy", "JupyterHub"] if settings.jupyterhub else []
    return ["Hadoop", "Spark", *notebooks, *(["AmazonCloudWatchAgent"] if settings.live_logs else [])]


def cluster_classifications(settings: Settings, data_bucket: str) -> list[Classification]:
    """Return how the cluster's applications are configured."""
    configured = classifications.spark(
        executor_size(settings.worker),
        settings.core_count + settings.task_count,
        settings.most_workers,
        INTERPRETER,
        settings.region,
        classifications.master_nodes(settings.spot_share, managed_scaling=settings.managed_scaling),
    )
    configured += classifications.jupyterhub(data_bucket) if settings.jupyterhub else []
    return configured + (classifications.no_metrics() if settings.live_logs else [])


def managed_scaling(settings: Settings) -> emr.CfnCluster.ManagedScalingPolicyProperty | None:
    """Return the limits between which EMR adds and removes task nodes, None for a fixed size."""
    if not settings.managed_scaling:
        return None
    scaled = task_capacity(settings.scaling_max - settings.core_count, settings.spot_share)
    return _Cluster.ManagedScalingPolicyProperty(
        compute_limits=_Cluster.ComputeLimitsProperty(
            unit_type="InstanceFleetUnits",
            minimum_capacity_units=settings.scaling_min,
            maximum_capacity_units=settings.scaling_max,
            maximum_core_capacity_units=settings.core_count,
            maximum_on_demand_capacity_units=settings.core_count + scaled.on_demand,
        )
    )


def _cluster_reasons(settings: Settings) -> dict[str, str]:
    wrong_level = "cdk-nag looks for the switch one level too high in the security configuration, where EMR has none"
    return {
        "EMR4": f"{wrong_level}; encryption at rest is on.",
        "EMR5": f"{wrong_level}; encryption in transit is on."
        if settings.tls_certificates
        else "Encryption in transit takes certificates that only the account's owner can issue: it is on "
        "once tls_certificates names them. Until then, traffic stays inside the cluster's own groups.",
        "EMR6": "There is no SSH: no key pair, no open port. Session Manager, where switched on, uses IAM.",
    }


def _property(classification: Classification) -> emr.CfnCluster.ConfigurationProperty:
    return _Cluster.ConfigurationProperty(
        classification=classification.name,
        # EMR's API calls them Properties, a name that CloudFormation drops silently.
        configuration_properties=classification.properties or None,
        configurations=[_property(inner) for inner in classification.nested] or None,
    )
