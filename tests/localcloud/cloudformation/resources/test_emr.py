"""Clusters and security configurations: from a template's properties to requests that EMR's own model accepts."""

import json
import re
from typing import Any
from unittest.mock import patch

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from localcloud.cloudformation.resource import ReplacementNeededError, ResourceContext
from localcloud.cloudformation.resources import emr
from localcloud.cloudformation.resources.emr import Cluster, SecurityConfiguration, resized_fleets, run_job_flow
from localcloud.cloudformation.resources.requests import request
from tests.localcloud.cloudformation.resources.conftest import Client, client, context_of, tags

TYPES = [
    {
        "InstanceType": "m6i.xlarge",
        "WeightedCapacity": "1",
        "EbsConfiguration": {
            "EbsBlockDeviceConfigs": [
                {"VolumeSpecification": {"SizeInGB": 64, "VolumeType": "gp3"}, "VolumesPerInstance": 1}
            ]
        },
    }
]
ON_DEMAND = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}
INSTANCES: dict[str, Any] = {
    "Ec2SubnetIds": ["subnet-1", "subnet-2"],
    "EmrManagedMasterSecurityGroup": "sg-1",
    "EmrManagedSlaveSecurityGroup": "sg-2",
    "ServiceAccessSecurityGroup": "sg-3",
    "KeepJobFlowAliveWhenNoSteps": "true",
    "TerminationProtected": False,
    "MasterInstanceFleet": {
        "Name": "primary",
        "InstanceTypeConfigs": TYPES,
        "TargetOnDemandCapacity": "1",
        "LaunchSpecifications": ON_DEMAND,
    },
    "CoreInstanceFleet": {"Name": "core", "InstanceTypeConfigs": TYPES, "TargetOnDemandCapacity": 1},
    "TaskInstanceFleets": [
        {
            "Name": "task",
            "InstanceTypeConfigs": TYPES,
            "TargetOnDemandCapacity": 0,
            "TargetSpotCapacity": 2,
            "LaunchSpecifications": {
                "SpotSpecification": {
                    "AllocationStrategy": "price-capacity-optimized",
                    "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                    "TimeoutDurationMinutes": 10,
                }
            },
        }
    ],
}
CLUSTER: dict[str, Any] = {
    "Name": "orchard-1",
    "ReleaseLabel": "emr-7.14.0",
    "Applications": [{"Name": "Hadoop"}, {"Name": "Spark"}],
    "ServiceRole": "service",
    "JobFlowRole": "nodes",
    "SecurityConfiguration": "sealed",
    "LogUri": "s3://logs/emr/",
    "EbsRootVolumeSize": "20",
    "StepConcurrencyLevel": "1",
    "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
    "AutoTerminationPolicy": {"IdleTimeout": "1800"},
    "ManagedScalingPolicy": {
        "ComputeLimits": {
            "UnitType": "InstanceFleetUnits",
            "MinimumCapacityUnits": 1,
            "MaximumCapacityUnits": 10,
            "MaximumCoreCapacityUnits": 1,
            "MaximumOnDemandCapacityUnits": 1,
        }
    },
    "BootstrapActions": [
        {"Name": "Libraries", "ScriptBootstrapAction": {"Path": "s3://assets/a.sh", "Args": ["3.11", "/opt"]}}
    ],
    "Configurations": [
        {
            "Classification": "spark-env",
            "Configurations": [{"Classification": "export", "ConfigurationProperties": {"OMP_NUM_THREADS": 1}}],
        }
    ],
    "Steps": [
        {
            "Name": "Password",
            "ActionOnFailure": "TERMINATE_CLUSTER",
            "HadoopJarStep": {
                "Jar": "command-runner.jar",
                "Args": ["bash"],
                "StepProperties": [{"Key": "a", "Value": "b"}],
            },
        }
    ],
    "Instances": INSTANCES,
    "Tags": tags(project="orchard"),
}


def resized(**capacities: int) -> dict[str, Any]:
    (task,) = INSTANCES["TaskInstanceFleets"]
    return INSTANCES | {"TaskInstanceFleets": [task | capacities]}


def test_every_property_fits_emrs_service_model() -> None:
    made = request(client("emr"), "RunJobFlow", **run_job_flow(CLUSTER))

    shape = botocore.session.get_session().get_service_model("emr").operation_model("RunJobFlow").input_shape
    assert shape is not None
    assert ParamValidator().validate(made, shape).generate_report() == ""
    assert set(CLUSTER) == set(made) == Cluster().properties - {"VisibleToAllUsers"}
    assert made["AutoTerminationPolicy"] == {"IdleTimeout": 1800}
    assert made["ManagedScalingPolicy"] == CLUSTER["ManagedScalingPolicy"]
    assert (made["EbsRootVolumeSize"], made["StepConcurrencyLevel"]) == (20, 1)
    assert made["BootstrapActions"] == CLUSTER["BootstrapActions"]
    assert made["Configurations"] == [
        {
            "Classification": "spark-env",
            "Configurations": [{"Classification": "export", "Properties": {"OMP_NUM_THREADS": "1"}}],
        }
    ]
    assert made["Steps"][0]["HadoopJarStep"] == {
        "Jar": "command-runner.jar",
        "Args": ["bash"],
        "Properties": [{"Key": "a", "Value": "b"}],
    }
    assert made["Tags"] == tags(project="orchard")


def test_the_fleets_of_a_template_become_those_of_emr() -> None:
    made = request(client("emr"), "RunJobFlow", **run_job_flow(CLUSTER))["Instances"]
    assert [(fleet["InstanceFleetType"], fleet["Name"]) for fleet in made["InstanceFleets"]] == [
        ("MASTER", "primary"),
        ("CORE", "core"),
        ("TASK", "task"),
    ]
    primary, _, task = made["InstanceFleets"]
    assert (primary["TargetOnDemandCapacity"], task["TargetSpotCapacity"]) == (1, 2)
    assert primary["InstanceTypeConfigs"][0]["WeightedCapacity"] == 1
    assert primary["LaunchSpecifications"] == ON_DEMAND
    assert made["KeepJobFlowAliveWhenNoSteps"] is True
    assert made["Ec2SubnetIds"] == ["subnet-1", "subnet-2"]


@pytest.mark.parametrize(
    ("properties", "part"),
    [
        (
            {"Configurations": [{"Classification": "spark", "Properties": {}}]},
            "Configurations.Properties",
        ),
        (
            {"Instances": INSTANCES | {"MasterInstanceGroup": {}}},
            "Instances.MasterInstanceGroup",
        ),
        (
            {"BootstrapActions": [{"Name": "a", "Script": "b"}]},
            "RunJobFlow.BootstrapActions.Script",
        ),
        ({"EbsRootVolumeSize": "much"}, "RunJobFlow.EbsRootVolumeSize"),
    ],
)
def test_a_part_that_is_unknown_or_wrong_is_named(properties: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)):
        request(client("emr"), "RunJobFlow", **run_job_flow(CLUSTER | properties))


def test_a_fleet_of_another_size_is_resized() -> None:
    (fleet,) = resized_fleets(INSTANCES, resized(TargetSpotCapacity=5))
    assert (fleet["InstanceFleetType"], fleet["Name"], fleet["TargetSpotCapacity"]) == ("TASK", "task", 5)


def test_nothing_is_resized_when_only_the_protection_differs() -> None:
    assert resized_fleets(INSTANCES, INSTANCES | {"TerminationProtected": True}) == []


@pytest.mark.parametrize(
    ("name", "part"),
    [("Ec2SubnetIds", ["subnet-3"]), ("TaskInstanceFleets", []), ("CoreInstanceFleet", {"Name": "other"})],
)
def test_other_changes_of_instances_replace_the_cluster(name: str, part: object) -> None:
    with pytest.raises(ReplacementNeededError, match=rf"Instances\.{name}"):
        resized_fleets(INSTANCES, INSTANCES | {name: part})


def test_updates_in_place_what_emr_can_change() -> None:
    assert Cluster().properties - Cluster().replacing == {
        "AutoTerminationPolicy",
        "Instances",
        "ManagedScalingPolicy",
        "StepConcurrencyLevel",
        "Tags",
        "VisibleToAllUsers",
    }


def started(context: ResourceContext, **properties: object) -> str:
    """Return a cluster of moto's own kind, which knows no fleets."""
    return Cluster().create(context, simple(**properties)).physical_id


def simple(**properties: object) -> dict[str, Any]:
    instances = {"KeepJobFlowAliveWhenNoSteps": True}
    return {"Name": "small", "JobFlowRole": "nodes", "ServiceRole": "emr", "Instances": instances, **properties}


def test_a_cluster_is_started_changed_in_place_and_ended(aws: Client, context: ResourceContext) -> None:
    before, after = (
        simple(StepConcurrencyLevel=1, Tags=tags(project="orchard")),
        simple(StepConcurrencyLevel="5", Tags=tags(owner="me"), VisibleToAllUsers="false"),
    )
    made = Cluster().create(context, before)
    assert made.attributes["Id"] == made.physical_id
    assert made.physical_id.startswith("j-")

    def found() -> dict[str, Any]:
        return dict(aws("emr").describe_cluster(ClusterId=made.physical_id)["Cluster"])

    assert found()["Status"]["State"] == "WAITING"
    assert made.attributes["MasterPublicDNS"] == found()["MasterPublicDnsName"]
    assert Cluster().update(context, made.physical_id, before, after).physical_id == made.physical_id
    assert (found()["StepConcurrencyLevel"], found()["VisibleToAllUsers"]) == (5, False)
    assert found()["Tags"] == tags(owner="me")
    Cluster().delete(context, made.physical_id, after)
    assert found()["Status"]["State"] == "TERMINATED"
    Cluster().delete(context, made.physical_id, after)


def test_deleting_an_unknown_cluster_succeeds(context: ResourceContext) -> None:
    Cluster().delete(context, "j-NOBODY", {})


def test_a_protected_cluster_is_not_ended(aws: Client, context: ResourceContext) -> None:
    cluster = started(context)
    protected = {"KeepJobFlowAliveWhenNoSteps": True, "TerminationProtected": "true"}
    Cluster().update(context, cluster, simple(), simple(Instances=protected))
    with pytest.raises(ClientError, match=r"termination protected|termination-protected"):
        Cluster().delete(context, cluster, simple(Instances=protected))
    assert aws("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["State"] == "WAITING"


class FakeEmr:
    """An EMR whose one cluster goes through given states, one a look."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.meta = client("emr").meta

    def describe_cluster(self, **_asked: object) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        reason = {"Code": "BOOTSTRAP_FAILURE", "Message": "bootstrap action 1 returned 1"}
        return {"Cluster": {"Status": {"State": state, "StateChangeReason": reason}}}

    def run_job_flow(self, **_asked: object) -> dict[str, str]:
        return {"JobFlowId": "j-1"}

    def list_instance_fleets(self, **_asked: object) -> dict[str, Any]:
        return {"InstanceFleets": [{"Id": "if-1", "InstanceFleetType": "TASK", "Name": "task"}]}

    def __getattr__(self, name: str) -> Any:
        return lambda **asked: self.calls.append((name, asked))


def at(fake: FakeEmr) -> ResourceContext:
    return context_of("Cluster", lambda _service: fake)


def test_creation_waits_for_the_cluster_to_start() -> None:
    fake = FakeEmr("STARTING", "BOOTSTRAPPING", "WAITING")
    with patch.object(emr, "_PAUSE", 0):
        assert Cluster().create(at(fake), CLUSTER).physical_id == "j-1"
    assert fake.states == ["WAITING"]


def test_a_cluster_that_cannot_start_says_why_and_is_ended() -> None:
    fake = FakeEmr("STARTING", "TERMINATED_WITH_ERRORS")
    with (
        patch.object(emr, "_PAUSE", 0),
        pytest.raises(
            ValueError,
            match=r"j-1.*TERMINATED_WITH_ERRORS.*bootstrap action 1 returned 1",
        ),
    ):
        Cluster().create(at(fake), CLUSTER)
    assert fake.calls == [("terminate_job_flows", {"JobFlowIds": ["j-1"]})]


def test_deletion_waits_for_the_cluster_to_end() -> None:
    fake = FakeEmr("WAITING", "TERMINATING", "TERMINATING", "TERMINATED")
    with patch.object(emr, "_PAUSE", 0):
        Cluster().delete(at(fake), "j-1", CLUSTER)
    assert (fake.calls, fake.states) == ([("terminate_job_flows", {"JobFlowIds": ["j-1"]})], ["TERMINATED"])


def test_policies_and_sizes_are_changed_by_emrs_own_requests() -> None:
    fake = FakeEmr("WAITING")
    limits = {"ComputeLimits": {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": "2"}}
    after = CLUSTER | {
        "AutoTerminationPolicy": {"IdleTimeout": "60"},
        "ManagedScalingPolicy": limits,
        "Instances": resized(TargetOnDemandCapacity=1, TargetSpotCapacity=4),
    }

    Cluster().update(at(fake), "j-1", CLUSTER, after)

    wanted = {"InstanceFleetId": "if-1", "TargetOnDemandCapacity": 1, "TargetSpotCapacity": 4}
    scaling = {"ComputeLimits": {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 2}}
    assert fake.calls == [
        ("put_auto_termination_policy", {"ClusterId": "j-1", "AutoTerminationPolicy": {"IdleTimeout": 60}}),
        ("put_managed_scaling_policy", {"ClusterId": "j-1", "ManagedScalingPolicy": scaling}),
        ("modify_instance_fleet", {"ClusterId": "j-1", "InstanceFleet": wanted}),
    ]


def test_removes_policies_that_are_no_longer_declared() -> None:
    fake = FakeEmr("WAITING")
    removed = ("AutoTerminationPolicy", "ManagedScalingPolicy")
    Cluster().update(at(fake), "j-1", CLUSTER, {name: part for name, part in CLUSTER.items() if name not in removed})
    assert [name for name, _ in fake.calls] == ["remove_auto_termination_policy", "remove_managed_scaling_policy"]


def test_a_replacement_changes_nothing_in_place() -> None:
    fake = FakeEmr("WAITING")
    after = CLUSTER | {"Instances": resized() | {"Ec2SubnetIds": []}, "AutoTerminationPolicy": {"IdleTimeout": 60}}
    with pytest.raises(ReplacementNeededError):
        Cluster().update(at(fake), "j-1", CLUSTER, after)
    assert fake.calls == []


def test_a_security_configuration_is_kept_and_removed(aws: Client, context: ResourceContext) -> None:
    configuration = {"EncryptionConfiguration": {"EnableAtRestEncryption": False}}

    made = SecurityConfiguration().create(context, {"SecurityConfiguration": configuration})

    found = aws("emr").describe_security_configuration(Name=made.physical_id)
    assert made.physical_id.startswith("Orchard-Thing-")
    assert json.loads(found["SecurityConfiguration"]) == configuration
    SecurityConfiguration().delete(context, made.physical_id, {})
    SecurityConfiguration().delete(context, made.physical_id, {})
    with pytest.raises(ClientError, match="InvalidRequestException"):
        aws("emr").describe_security_configuration(Name=made.physical_id)
