"""OrchardCluster is the cluster that the settings ask for."""

import json
from typing import Any

import pytest

from tests.infra.synthesis import Environment, Synthesise

STACK = "OrchardCluster"
SCALED = {"network": "private-nat", "managed_scaling": True}
HUB = {"session_manager": True, "jupyterhub": True}


def cluster(environment: Environment) -> dict[str, Any]:
    return environment.only(STACK, "AWS::EMR::Cluster")


def instances(environment: Environment) -> dict[str, Any]:
    found: dict[str, Any] = cluster(environment)["Instances"]
    return found


def classification(environment: Environment, name: str) -> dict[str, str]:
    (found,) = [each for each in cluster(environment)["Configurations"] if each["Classification"] == name]
    properties: dict[str, str] = found["ConfigurationProperties"]
    return properties


def test_the_release_is_the_one_that_versions_name(environment: Synthesise) -> None:
    assert cluster(environment())["ReleaseLabel"] == "emr-7.14.0"


def test_spark_is_installed_and_nothing_that_is_not_used(environment: Synthesise) -> None:
    assert cluster(environment())["Applications"] == [{"Name": "Hadoop"}, {"Name": "Spark"}]


def test_live_logs_go_to_a_log_group_of_the_stack(environment: Synthesise) -> None:
    made = environment(live_logs=True)
    found = cluster(made)
    assert {"Name": "AmazonCloudWatchAgent"} in found["Applications"]
    assert found["MonitoringConfiguration"]["CloudWatchLogConfiguration"] == {
        "Enabled": True,
        "LogGroupName": "/orchard/steps",
        "LogTypes": {"STEP_LOGS": ["STDOUT", "STDERR"]},
    }
    (group,) = made.resources(STACK, "AWS::Logs::LogGroup").values()
    assert (group["Properties"]["RetentionInDays"], group["DeletionPolicy"]) == (7, "Delete")
    assert "MonitoringConfiguration" not in cluster(environment())


def test_jupyterhub_is_installed_where_asked_for(environment: Synthesise) -> None:
    names = [found["Name"] for found in cluster(environment(**HUB))["Applications"]]
    assert names == ["Hadoop", "Spark", "Livy", "JupyterHub"]


def test_jupyterhub_keeps_notebooks_in_the_data_bucket(environment: Synthesise) -> None:
    made = environment(**HUB)
    (data,) = [name for name in made.resources("OrchardData", "AWS::S3::Bucket") if name.startswith("Data")]
    assert classification(made, "jupyter-s3-conf") == {
        "s3.persistence.enabled": "true",
        "s3.persistence.bucket": data,
    }


def test_the_first_step_sets_jupyterhubs_password(environment: Synthesise) -> None:
    made = environment(**HUB)
    (step,) = cluster(made)["Steps"]
    secret = made.resolve(STACK, made.template(STACK)["Outputs"]["JupyterHubSecret"]["Value"])
    shell, option, command = step["HadoopJarStep"]["Args"]
    assert (step["ActionOnFailure"], step["HadoopJarStep"]["Jar"], shell, option) == (
        "TERMINATE_CLUSTER",
        "command-runner.jar",
        "bash",
        "-c",
    )
    assert command.startswith("aws s3 cp --region eu-west-1 --only-show-errors s3://cdk-hnb659fds-assets-")
    assert command.endswith(f" password.sh && bash password.sh {secret} eu-west-1")


def test_jupyterhubs_password_is_generated(environment: Synthesise) -> None:
    secret = environment(**HUB).only(STACK, "AWS::SecretsManager::Secret")
    assert secret["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 24}


def test_no_secret_is_in_the_template(environment: Synthesise) -> None:
    made = environment(**HUB)
    assert "SecretString" not in made.only(STACK, "AWS::SecretsManager::Secret")
    assert "resolve:secretsmanager" not in json.dumps(made.template(STACK))


@pytest.mark.parametrize(("fleet", "count"), [("MasterInstanceFleet", 1), ("CoreInstanceFleet", 3)])
def test_primary_and_core_are_on_demand(environment: Synthesise, fleet: str, count: int) -> None:
    found = instances(environment(core_count=3))[fleet]
    # EMR refuses a later change of the size unless both are given.
    assert (found["TargetOnDemandCapacity"], found["TargetSpotCapacity"]) == (count, 0)


def test_the_task_fleet_is_spot_by_the_share_that_was_set(environment: Synthesise) -> None:
    (fleet,) = instances(environment(task_count=4, spot_share=75))["TaskInstanceFleets"]
    assert (fleet["TargetOnDemandCapacity"], fleet["TargetSpotCapacity"]) == (1, 3)


def test_what_spot_cannot_give_in_time_is_bought_on_demand(environment: Synthesise) -> None:
    (fleet,) = instances(environment())["TaskInstanceFleets"]
    assert fleet["LaunchSpecifications"]["SpotSpecification"] == {
        "AllocationStrategy": "price-capacity-optimized",
        "TimeoutAction": "SWITCH_TO_ON_DEMAND",
        "TimeoutDurationMinutes": 10,
    }


def test_a_resize_waits_for_spot_a_limited_time(environment: Synthesise) -> None:
    (fleet,) = instances(environment())["TaskInstanceFleets"]
    assert fleet["ResizeSpecifications"]["SpotResizeSpecification"] == {
        "AllocationStrategy": "price-capacity-optimized",
        "TimeoutDurationMinutes": 10,
    }


@pytest.mark.parametrize(
    ("settings", "spot"),
    [
        ({"spot_share": 0}, False),
        ({"spot_share": 30, "task_count": 1}, True),
        ({"network": "public", "managed_scaling": True, "spot_share": 0}, True),
    ],
)
def test_a_fleet_that_may_buy_spot_says_how(environment: Synthesise, settings: dict[str, Any], *, spot: bool) -> None:
    (fleet,) = instances(environment(**settings))["TaskInstanceFleets"]
    assert ("SpotSpecification" in fleet["LaunchSpecifications"], "ResizeSpecifications" in fleet) == (spot, spot)


def test_without_task_nodes_there_is_no_task_fleet(environment: Synthesise) -> None:
    assert "TaskInstanceFleets" not in instances(environment(task_count=0))


def test_every_fleet_takes_the_types_that_were_named(environment: Synthesise) -> None:
    graviton = {"primary_instance_types": "m7g.xlarge", "worker_instance_types": "c7g.2xlarge,c8g.2xlarge"}
    found = instances(environment(**graviton))
    fleets = [found["MasterInstanceFleet"], found["CoreInstanceFleet"], *found["TaskInstanceFleets"]]
    assert [[each["InstanceType"] for each in fleet["InstanceTypeConfigs"]] for fleet in fleets] == [
        ["m7g.xlarge"],
        ["c7g.2xlarge", "c8g.2xlarge"],
        ["c7g.2xlarge", "c8g.2xlarge"],
    ]


def test_every_node_has_a_gp3_disk(environment: Synthesise) -> None:
    found = instances(environment())
    fleets = [found["MasterInstanceFleet"], found["CoreInstanceFleet"], *found["TaskInstanceFleets"]]
    disks = [each["EbsConfiguration"] for fleet in fleets for each in fleet["InstanceTypeConfigs"]]
    assert disks == [
        {
            "EbsBlockDeviceConfigs": [
                {"VolumeSpecification": {"SizeInGB": 64, "VolumeType": "gp3"}, "VolumesPerInstance": 1}
            ]
        }
    ] * len(disks)


def test_the_root_disk_holds_the_release(environment: Synthesise) -> None:
    assert cluster(environment())["EbsRootVolumeSize"] >= 15


def test_managed_scaling_never_scales_core_nodes(
    environment: Synthesise,
) -> None:
    made = environment(**SCALED, scaling_min=2, scaling_max=11, core_count=1)
    assert cluster(made)["ManagedScalingPolicy"] == {
        "ComputeLimits": {
            "UnitType": "InstanceFleetUnits",
            "MinimumCapacityUnits": 2,
            "MaximumCapacityUnits": 11,
            "MaximumCoreCapacityUnits": 1,
            "MaximumOnDemandCapacityUnits": 1,
        }
    }


def test_managed_scaling_on_demand_may_fill_the_limit(environment: Synthesise) -> None:
    made = environment(**SCALED, spot_share=0)
    limits = cluster(made)["ManagedScalingPolicy"]["ComputeLimits"]
    assert limits["MaximumOnDemandCapacityUnits"] == limits["MaximumCapacityUnits"] == 10
    assert "yarn.node-labels.enabled" not in classification(made, "yarn-site")


def test_managed_scaling_on_spot_labels_core_nodes(environment: Synthesise) -> None:
    yarn = classification(environment(**SCALED), "yarn-site")
    assert yarn["yarn.node-labels.am.default-node-label-expression"] == "CORE"


@pytest.mark.parametrize(("core_count", "warned"), [(1, True), (2, False)])
def test_warns_of_jupyterhub_on_one_core_node(environment: Synthesise, core_count: int, *, warned: bool) -> None:
    metadata = (environment(**HUB, core_count=core_count).folder / "OrchardCluster.metadata.json").read_text()
    assert ("[ack: Orchard:OneCoreNode]" in metadata) is warned


def test_a_fixed_size_has_no_scaling_policy(environment: Synthesise) -> None:
    assert "ManagedScalingPolicy" not in cluster(environment())


def test_the_cluster_ends_itself_after_the_minutes_that_were_set(environment: Synthesise) -> None:
    assert cluster(environment(idle_minutes=45))["AutoTerminationPolicy"] == {"IdleTimeout": 2700}


def test_as_many_steps_run_at_once_as_were_set(environment: Synthesise) -> None:
    assert cluster(environment(step_concurrency=3))["StepConcurrencyLevel"] == 3


def test_nothing_protects_the_cluster_from_its_own_removal(environment: Synthesise) -> None:
    assert instances(environment())["TerminationProtected"] is False


def test_the_cluster_waits_for_steps(environment: Synthesise) -> None:
    assert instances(environment())["KeepJobFlowAliveWhenNoSteps"] is True


def test_logs_go_to_the_logs_bucket(environment: Synthesise) -> None:
    made = environment()
    (logs,) = [name for name in made.resources("OrchardData", "AWS::S3::Bucket") if name.startswith("Logs")]
    assert cluster(made)["LogUri"] == f"s3://{logs}/emr/"


@pytest.mark.parametrize("network", ["private", "private-nat", "public"])
def test_all_security_groups_are_our_own(environment: Synthesise, network: str) -> None:
    found = instances(environment(network=network))
    keys = ("EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup", "ServiceAccessSecurityGroup")
    groups = [found.get(key, "").removeprefix("Network").split("Group")[0] for key in keys]
    assert groups == ["Primary", "Worker", "" if network == "public" else "Service"]


def test_the_cluster_carries_the_tag_that_emrs_policy_asks_for(environment: Synthesise) -> None:
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in cluster(environment())["Tags"]


def test_everything_that_costs_carries_the_cost_tag(environment: Synthesise) -> None:
    made = environment(network="private-nat", **HUB)
    tag = {"Key": "project", "Value": "orchard"}
    for kind in ("EMR::Cluster", "EC2::NatGateway", "EC2::VPCEndpoint", "KMS::Key", "SecretsManager::Secret"):
        found = made.resources(STACK, f"AWS::{kind}").values()
        assert [tag in resource["Properties"]["Tags"] for resource in found] == [True] * len(found)


def test_raising_the_generation_replaces_the_cluster(environment: Synthesise) -> None:
    # A cluster's name cannot be changed in place.
    assert [cluster(environment(generation=number))["Name"] for number in (1, 2)] == [
        "orchard-1",
        "orchard-2",
    ]


def test_spark_runs_the_bootstrapped_interpreter(environment: Synthesise) -> None:
    made = environment()
    (action,) = cluster(made)["BootstrapActions"]
    interpreter, folder, _, region = action["ScriptBootstrapAction"]["Args"]
    spark = classification(made, "spark-defaults")
    assert (interpreter, region) == ("/usr/bin/python3.11", "eu-west-1")
    assert spark["spark.pyspark.python"] == f"{folder}/bin/python"


def test_bootstrap_script_and_wheelhouse_are_assets(environment: Synthesise) -> None:
    (action,) = cluster(environment())["BootstrapActions"]
    script = action["ScriptBootstrapAction"]
    assert script["Path"].startswith("s3://cdk-hnb659fds-assets-111122223333-eu-west-1/")
    assert script["Path"].endswith(".sh")
    assert script["Args"][2].startswith("s3://cdk-hnb659fds-assets-111122223333-eu-west-1/")
    assert script["Args"][2].endswith(".zip")


def test_as_many_executors_are_asked_for_as_fit_on_the_nodes(environment: Synthesise) -> None:
    made = environment(worker_instance_types="m6i.2xlarge", core_count=1, task_count=2)
    spark = classification(made, "spark-defaults")
    assert spark["spark.dynamicAllocation.initialExecutors"] == "6"
    assert spark["spark.dynamicAllocation.maxExecutors"] == "6"


def test_with_managed_scaling_executors_may_fill_the_upper_limit(environment: Synthesise) -> None:
    spark = classification(environment(**SCALED, scaling_max=12), "spark-defaults")
    assert spark["spark.dynamicAllocation.maxExecutors"] == "12"


def security(environment: Environment) -> dict[str, Any]:
    found: dict[str, Any] = environment.only(STACK, "AWS::EMR::SecurityConfiguration")["SecurityConfiguration"]
    return found


def test_disks_are_encrypted_with_the_stacks_own_key(environment: Synthesise) -> None:
    made = environment()
    (key,) = made.resources(STACK, "AWS::KMS::Key")
    at_rest = security(made)["EncryptionConfiguration"]["AtRestEncryptionConfiguration"]
    assert at_rest["LocalDiskEncryptionConfiguration"]["AwsKmsKey"].endswith(f":key/{key}")


@pytest.mark.parametrize(("settings", "hops"), [({}, 1), (HUB, 2)])
def test_only_containers_lengthen_the_way_of_the_metadata(
    environment: Synthesise, settings: dict[str, bool], hops: int
) -> None:
    metadata = security(environment(**settings))["InstanceMetadataServiceConfiguration"]
    assert metadata == {"MinimumInstanceMetadataServiceVersion": 2, "HttpPutResponseHopLimit": hops}


def test_certificates_switch_encryption_in_transit_on(environment: Synthesise) -> None:
    encryption = security(environment(tls_certificates="s3://secrets/pem.zip"))["EncryptionConfiguration"]
    assert encryption["InTransitEncryptionConfiguration"] == {
        "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": "s3://secrets/pem.zip"}
    }


def test_destroying_the_cluster_leaves_nothing_behind(environment: Synthesise) -> None:
    resources = environment(**HUB).template(STACK)["Resources"]
    kept = [name for name, found in resources.items() if found.get("DeletionPolicy", "Delete") != "Delete"]
    assert kept == []


def test_no_other_stack_needs_the_cluster(environment: Synthesise) -> None:
    outputs = environment().template(STACK)["Outputs"].values()
    assert [output for output in outputs if "Export" in output] == []
