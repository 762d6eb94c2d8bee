"""Each gap of EMR, by a small probe: it fails on stock moto, and passes once patched.

A probe that passes on stock moto shows that upstream has closed the gap.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.emr.models import emr_backends

from tests.localcloud.emr.clusters import request, step
from tests.localcloud.steps.emr_cloud import REGION, Client, address, clients, make_roles, running

Probe = Callable[[Client], None]


def start(client: Client, **more: Any) -> tuple[Any, str]:
    """Ask for a cluster; return EMR's client and the cluster's id."""
    emr = client("emr")
    return emr, emr.run_job_flow(**(request() | more))["JobFlowId"]


def wait(emr: Any, cluster: str, *states: str) -> Any:
    """Return how a cluster is described once it is in one of some states."""
    for _ in range(200):
        described = emr.describe_cluster(ClusterId=cluster)["Cluster"]
        if described["Status"]["State"] in states:
            return described
        time.sleep(0.05)
    raise AssertionError(described["Status"])


def refused(code: str, message: str, call: Callable[[], object]) -> None:
    """Assert that a call is refused so."""
    with pytest.raises(ClientError) as raised:
        call()
    error = raised.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)


def refused_by_name(name: str, call: Callable[[], object]) -> None:
    """Assert that a call to what is not modelled is refused, and that the refusal names it."""
    with pytest.raises(ClientError, match=name) as raised:
        call()
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def its_own_region(client: Client) -> None:
    emr, cluster = start(client)
    arn = emr.describe_cluster(ClusterId=cluster)["Cluster"]["ClusterArn"]
    assert arn == f"arn:aws:elasticmapreduce:{REGION}:123456789012:cluster/{cluster}"


def what_it_was_asked_to_be(client: Client) -> None:
    configurations = [{"Classification": "spark-env", "Configurations": [
        {"Classification": "export", "Properties": {"PYSPARK_PYTHON": "/opt/p", "aName": "x"}}
    ]}]  # fmt: skip
    emr, cluster = start(
        client,
        Configurations=configurations,
        ScaleDownBehavior="TERMINATE_AT_TASK_COMPLETION",
        EbsRootVolumeSize=20,
        StepConcurrencyLevel=3,
        Tags=[{"Key": "Owner", "Value": "me"}],
        Applications=[{"Name": "Spark"}],
    )
    described = emr.describe_cluster(ClusterId=cluster)["Cluster"]
    assert described["InstanceCollectionType"] == "INSTANCE_FLEET"
    assert described["ScaleDownBehavior"] == "TERMINATE_AT_TASK_COMPLETION"
    assert described["Tags"] == [{"Key": "Owner", "Value": "me"}]
    assert [each["Name"] for each in described["Applications"]] == ["Spark"]
    assert described["StepConcurrencyLevel"] == 3
    assert described["EbsRootVolumeSize"] == 20
    nested = described["Configurations"][0]["Configurations"][0]
    assert nested["Properties"] == {"PYSPARK_PYTHON": "/opt/p", "aName": "x"}


def an_unknown_instance_profile(client: Client) -> None:
    refused("ValidationException", "Invalid InstanceProfile: nobody.", lambda: start(client, JobFlowRole="nobody"))


def an_unknown_service_role(client: Client) -> None:
    emr, cluster = start(client, ServiceRole="nobody")
    reason = wait(emr, cluster, "TERMINATED_WITH_ERRORS")["Status"]["StateChangeReason"]
    assert reason == {
        "Code": "VALIDATION_ERROR",
        "Message": "EMR service role arn:aws:iam::123456789012:role/nobody is invalid",
    }


def an_unknown_security_configuration(client: Client) -> None:
    refused(
        "InvalidRequestException",
        "Security configuration with name 'nothing' does not exist.",
        lambda: start(client, SecurityConfiguration="nothing"),
    )


def the_given_security_groups_and_no_others(client: Client) -> None:
    ec2 = client("ec2")
    subnet, vpc = (ec2.describe_subnets()["Subnets"][0][each] for each in ("SubnetId", "VpcId"))
    primary, worker = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("primary", "worker")
    )
    instances = request()["Instances"] | {
        "Ec2SubnetIds": [subnet],
        "Ec2SubnetId": subnet,
        "EmrManagedMasterSecurityGroup": primary,
        "EmrManagedSlaveSecurityGroup": worker,
    }
    emr, cluster = start(client, Instances=instances)
    attributes = emr.describe_cluster(ClusterId=cluster)["Cluster"]["Ec2InstanceAttributes"]
    assert attributes["EmrManagedMasterSecurityGroup"] == primary
    assert "ServiceAccessSecurityGroup" not in attributes
    names = [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]]
    assert not [name for name in names if name.startswith("ElasticMapReduce")]


def ended_by_request(client: Client) -> None:
    emr, cluster = start(client)
    emr.terminate_job_flows(JobFlowIds=[cluster])
    status = wait(emr, cluster, "TERMINATED")["Status"]
    assert status["StateChangeReason"] == {"Code": "USER_REQUEST", "Message": "Terminated by user request"}
    assert "EndDateTime" in status["Timeline"]


def fleets_and_their_nodes(client: Client) -> None:
    emr, cluster = start(client)
    fleets = {
        fleet["InstanceFleetType"]: fleet for fleet in emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"]
    }
    assert sorted(fleets) == ["CORE", "MASTER", "TASK"]
    nodes = emr.list_instances(ClusterId=cluster, InstanceFleetType="TASK")["Instances"]
    assert [(node["InstanceType"], node["Market"]) for node in nodes] == [("m6i.xlarge", "SPOT")]
    assert nodes[0]["InstanceFleetId"] == fleets["TASK"]["Id"]


def another_size_of_a_fleet(client: Client) -> None:
    emr, cluster = start(client)
    task = emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"][2]
    capacities = {"TargetOnDemandCapacity": 0, "TargetSpotCapacity": 3}
    emr.modify_instance_fleet(ClusterId=cluster, InstanceFleet={"InstanceFleetId": task["Id"], **capacities})
    assert len(emr.list_instances(ClusterId=cluster, InstanceFleetId=task["Id"])["Instances"]) == 3


def one_capacity_of_a_fleet_without_the_other(client: Client) -> None:
    emr, cluster = start(client)
    core = emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"][1]
    fleet = {"InstanceFleetId": core["Id"], "TargetOnDemandCapacity": 2}
    refused(
        "InvalidRequestException",
        "The instance fleet should have both targetOnDemandCapacity and targetSpotCapacity specified.",
        lambda: emr.modify_instance_fleet(ClusterId=cluster, InstanceFleet=fleet),
    )
    assert len(emr.list_instances(ClusterId=cluster, InstanceFleetId=core["Id"])["Instances"]) == 1


def a_step_that_would_end_concurrent_ones(client: Client) -> None:
    with pytest.raises(ClientError, match="The ActionOnFailure setting is not valid") as raised:
        start(client, StepConcurrencyLevel=2, Steps=[step("a", "TERMINATE_CLUSTER")])
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def auto_termination(client: Client) -> None:
    emr, cluster = start(client, AutoTerminationPolicy={"IdleTimeout": 600})
    assert emr.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {"IdleTimeout": 600}
    emr.put_auto_termination_policy(ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 900})
    assert emr.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {"IdleTimeout": 900}
    emr.remove_auto_termination_policy(ClusterId=cluster)
    assert "AutoTerminationPolicy" not in emr.get_auto_termination_policy(ClusterId=cluster)


def managed_scaling(client: Client) -> None:
    policy = {"ComputeLimits": {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 4}}
    emr, cluster = start(client)
    assert "ManagedScalingPolicy" not in emr.get_managed_scaling_policy(ClusterId=cluster)
    emr.put_managed_scaling_policy(ClusterId=cluster, ManagedScalingPolicy=policy)
    assert emr.get_managed_scaling_policy(ClusterId=cluster)["ManagedScalingPolicy"] == policy
    emr.remove_managed_scaling_policy(ClusterId=cluster)
    assert "ManagedScalingPolicy" not in emr.get_managed_scaling_policy(ClusterId=cluster)


def a_step_waits_until_its_cluster_is_ready(client: Client) -> None:
    emr, cluster = start(client, Steps=[step("a")])
    assert emr.list_steps(ClusterId=cluster)["Steps"][0]["Status"]["State"] == "PENDING"


def a_step_is_cancelled(client: Client) -> None:
    emr, cluster = start(client, Steps=[step("a", "CONTINUE", "sleep", "60"), step("b")])
    waiting = emr.list_steps(ClusterId=cluster)["Steps"][0]["Id"]
    found = emr.cancel_steps(ClusterId=cluster, StepIds=[waiting])["CancelStepsInfoList"]
    assert found == [{"StepId": waiting, "Status": "SUBMITTED"}]
    assert emr.describe_step(ClusterId=cluster, StepId=waiting)["Step"]["Status"]["State"] == "CANCELLED"


def an_unknown_step(client: Client) -> None:
    emr, cluster = start(client)
    refused(
        "InvalidRequestException",
        "Step id 's-NOTHING' is not valid.",
        lambda: emr.describe_step(ClusterId=cluster, StepId="s-NOTHING"),
    )


def an_ended_cluster_takes_no_steps(client: Client) -> None:
    emr, cluster = start(client)
    emr.terminate_job_flows(JobFlowIds=[cluster])
    refused(
        "ValidationException",
        "A job flow that is shutting down, terminated, or finished may not be modified.",
        lambda: emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step("a")]),
    )


def an_unknown_cluster_for_steps(client: Client) -> None:
    refused(
        "ValidationException",
        "Specified job flow ID not valid.",
        lambda: client("emr").add_job_flow_steps(JobFlowId="j-NOTHING", Steps=[step("a")]),
    )


def security_configurations_are_listed(client: Client) -> None:
    emr = client("emr")
    emr.create_security_configuration(Name="secure", SecurityConfiguration="{}")
    assert [each["Name"] for each in emr.list_security_configurations()["SecurityConfigurations"]] == ["secure"]


def what_is_not_modelled_is_refused_by_name(client: Client) -> None:
    refused_by_name(
        "DescribeReleaseLabel",
        lambda: client("emr").describe_release_label(ReleaseLabel="emr-7.14.0"),
    )


def pages_of_applications_are_refused_with_the_reason(client: Client) -> None:
    refused_by_name(
        "web pages of Spark",
        lambda: client("emr").create_persistent_app_ui(TargetResourceArn="arn:aws:elasticmapreduce:x:1:cluster/j-1"),
    )


def a_parameter_that_is_not_modelled_is_refused_by_name(client: Client) -> None:
    refused_by_name(
        "KerberosAttributes",
        lambda: start(client, KerberosAttributes={"Realm": "X", "KdcAdminPassword": "y"}),
    )


OPEN = (AssertionError, ClientError, NotImplementedError, KeyError, TypeError, AttributeError)
"""How a gap shows."""

PROBES: list[Probe] = [
    what_it_was_asked_to_be,
    an_unknown_instance_profile,
    an_unknown_service_role,
    an_unknown_security_configuration,
    the_given_security_groups_and_no_others,
    ended_by_request,
    fleets_and_their_nodes,
    another_size_of_a_fleet,
    one_capacity_of_a_fleet_without_the_other,
    a_step_that_would_end_concurrent_ones,
    auto_termination,
    managed_scaling,
    a_step_waits_until_its_cluster_is_ready,
    a_step_is_cancelled,
    an_unknown_step,
    an_ended_cluster_takes_no_steps,
    an_unknown_cluster_for_steps,
    security_configurations_are_listed,
    what_is_not_modelled_is_refused_by_name,
    pages_of_applications_are_refused_with_the_reason,
    a_parameter_that_is_not_modelled_is_refused_by_name,
]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Return clients of a cloud with EMR's gaps closed."""
    with running(tmp_path_factory.mktemp("cloud") / "emr") as process:
        client = clients(address(process))
        make_roles(client)
        yield client


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_closed(probe: Probe, closed: Client) -> None:
    probe(closed)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_open_in_stock_moto(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with mock_aws():
        client = clients()
        make_roles(client)
        with pytest.raises((*OPEN, pytest.fail.Exception)):
            probe(client)


def test_its_own_region_closed(closed: Client) -> None:
    its_own_region(closed)


def test_its_own_region_open_in_stock_moto(aws_server: str) -> None:
    # Only a server shows it: calls inside a process still carry the region in their host name.
    try:
        with pytest.raises(AssertionError):
            its_own_region(clients(aws_server))
    finally:
        emr_backends["123456789012"]["us-east-1"].clusters.clear()


def test_a_cluster_of_one_region_is_not_in_another(closed: Client) -> None:
    emr, cluster = start(closed)
    endpoint = emr.meta.endpoint_url
    elsewhere = clients(endpoint, "us-east-1")("emr")
    assert cluster in [each["Id"] for each in emr.list_clusters()["Clusters"]]
    assert elsewhere.list_clusters()["Clusters"] == []
    refused(
        "InvalidRequestException",
        f"Cluster id '{cluster}' is not valid.",
        lambda: elsewhere.describe_cluster(ClusterId=cluster),
    )


def test_a_protected_cluster_goes_on(closed: Client) -> None:
    emr, cluster = start(closed)
    emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=True)
    refused(
        "ValidationException",
        "Could not shut down one or more job flows since they are termination protected.",
        lambda: emr.terminate_job_flows(JobFlowIds=[cluster]),
    )
    wait(emr, cluster, "WAITING")
    emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=False)
    emr.terminate_job_flows(JobFlowIds=[cluster])
    wait(emr, cluster, "TERMINATED")


@pytest.mark.parametrize("seconds", [59, 604_801])
def test_an_impossible_idle_time_is_refused(seconds: int, closed: Client) -> None:
    refused(
        "ValidationException",
        "The idle timeout must be between 60 and 604800 seconds.",
        lambda: start(closed, AutoTerminationPolicy={"IdleTimeout": seconds}),
    )


def test_lists_more_steps_than_a_page(closed: Client) -> None:
    emr, cluster = start(closed, Steps=[step(f"step-{number}") for number in range(60)])
    pages = list(emr.get_paginator("list_steps").paginate(ClusterId=cluster))
    assert [len(page["Steps"]) for page in pages] == [50, 10]
    found = [each["Name"] for page in pages for each in page["Steps"]]
    assert found == [f"step-{number}" for number in reversed(range(60))]


def test_bootstrap_actions_are_listed(closed: Client) -> None:
    action = {"Name": "a", "ScriptBootstrapAction": {"Path": "s3://b/a.sh", "Args": ["1"]}}
    emr, cluster = start(closed, BootstrapActions=[action])
    assert emr.list_bootstrap_actions(ClusterId=cluster)["BootstrapActions"] == [
        {"Name": "a", "ScriptPath": "s3://b/a.sh", "Args": ["1"]}
    ]


def test_tags_are_added_and_removed(closed: Client) -> None:
    emr, cluster = start(closed)
    emr.add_tags(ResourceId=cluster, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    emr.remove_tags(ResourceId=cluster, TagKeys=["a"])
    assert emr.describe_cluster(ClusterId=cluster)["Cluster"]["Tags"] == [{"Key": "b", "Value": "2"}]


def test_visibility_has_no_effect(closed: Client) -> None:
    emr, cluster = start(closed, VisibleToAllUsers=False)
    emr.set_visible_to_all_users(JobFlowIds=[cluster], VisibleToAllUsers=False)
    assert emr.describe_cluster(ClusterId=cluster)["Cluster"]["VisibleToAllUsers"] is True
