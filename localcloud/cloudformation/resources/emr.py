"""EMR: clusters and security configurations, from a template's properties to EMR's own requests."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import Client, Created, Properties, ReplacementNeededError, ResourceContext
from localcloud.cloudformation.resources.requests import (
    call,
    document,
    passing_over,
    refuse_others,
    truth,
    undone_on_failure,
)
from localcloud.cloudformation.tags import tag_changes, tag_list
from localcloud.emr.cluster import ENDED

_LONGEST_NAME = 128
_STARTED = ("RUNNING", "WAITING")
_LONGEST_WAIT = 15 * 60
"""Seconds for a cluster to start or end: bootstrap actions really run here."""
_PAUSE = 0.1
"""Seconds between two polls of a cluster."""
_UNKNOWN = "InvalidRequestException"

_COPIED = (
    *("Name", "ReleaseLabel", "Applications", "ServiceRole", "JobFlowRole", "SecurityConfiguration", "LogUri"),
    *("EbsRootVolumeSize", "StepConcurrencyLevel", "ScaleDownBehavior", "AutoTerminationPolicy"),
    *("ManagedScalingPolicy", "BootstrapActions", "VisibleToAllUsers"),
)
"""Properties that RunJobFlow takes unchanged."""
_FLEETS = {"MasterInstanceFleet": "MASTER", "CoreInstanceFleet": "CORE"}
_INSTANCES = (
    *("Ec2SubnetIds", "EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup"),
    *("ServiceAccessSecurityGroup", "KeepJobFlowAliveWhenNoSteps", "TerminationProtected"),
)
"""Parts of ``Instances`` that RunJobFlow takes unchanged."""
_CAPACITIES = ("TargetOnDemandCapacity", "TargetSpotCapacity")


class Cluster:
    """A cluster of instance fleets."""

    name = "AWS::EMR::Cluster"
    properties = frozenset({*_COPIED, "Configurations", "Instances", "Steps", "Tags"})
    replacing = frozenset(
        {
            *("Name", "ReleaseLabel", "Applications", "ServiceRole", "JobFlowRole", "SecurityConfiguration", "LogUri"),
            *("EbsRootVolumeSize", "ScaleDownBehavior", "BootstrapActions", "Configurations", "Steps"),
        }
    )

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Start the cluster, and wait until its bootstrap actions have ended."""
        client = context.client("emr")
        cluster = call(client, "RunJobFlow", **run_job_flow(properties))["JobFlowId"]
        with undone_on_failure(lambda: client.terminate_job_flows(JobFlowIds=[cluster])):
            _wait(client, cluster, _STARTED)
        return self._created(client, cluster)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("emr")
        resized = resized_fleets(before["Instances"], after["Instances"])
        self._change_policies(client, physical_id, before, after)
        if before.get("StepConcurrencyLevel") != after.get("StepConcurrencyLevel"):
            level = after.get("StepConcurrencyLevel", 1)
            call(client, "ModifyCluster", ClusterId=physical_id, StepConcurrencyLevel=level)
        if before.get("VisibleToAllUsers") != after.get("VisibleToAllUsers"):
            visible = truth(after.get("VisibleToAllUsers", True))
            client.set_visible_to_all_users(JobFlowIds=[physical_id], VisibleToAllUsers=visible)
        protected = truth(after["Instances"].get("TerminationProtected", False))
        if protected != truth(before["Instances"].get("TerminationProtected", False)):
            client.set_termination_protection(JobFlowIds=[physical_id], TerminationProtected=protected)
        self._resize(client, physical_id, resized)
        gone, new = tag_changes(before, after)
        if gone:
            client.remove_tags(ResourceId=physical_id, TagKeys=gone)
        if new:
            client.add_tags(ResourceId=physical_id, Tags=new)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        """Terminate the cluster and wait for its end, unless it has ended itself."""
        client = context.client("emr")
        if _state(client, physical_id) in ENDED:
            return
        client.terminate_job_flows(JobFlowIds=[physical_id])
        _wait(client, physical_id, ENDED)

    def _change_policies(self, client: Client, cluster: str, before: Properties, after: Properties) -> None:
        for name in ("AutoTerminationPolicy", "ManagedScalingPolicy"):
            policy = after.get(name)
            if policy == before.get(name):
                continue
            if policy:
                call(client, f"Put{name}", ClusterId=cluster, **{name: policy})
            else:
                call(client, f"Remove{name}", ClusterId=cluster)

    def _resize(self, client: Client, cluster: str, resized: Sequence[Mapping[str, Any]]) -> None:
        if not resized:
            return
        present = client.list_instance_fleets(ClusterId=cluster)["InstanceFleets"]
        for fleet in resized:
            (found,) = [
                each["Id"]
                for each in present
                if each["InstanceFleetType"] == fleet["InstanceFleetType"] and each.get("Name") == fleet.get("Name")
            ]
            capacities = {name: fleet[name] for name in _CAPACITIES if name in fleet}
            wanted = {"InstanceFleetId": found, **capacities}
            call(client, "ModifyInstanceFleet", ClusterId=cluster, InstanceFleet=wanted)

    def _created(self, client: Client, cluster: str) -> Created:
        found = client.describe_cluster(ClusterId=cluster)["Cluster"]
        return Created(cluster, {"Id": cluster, "MasterPublicDNS": found.get("MasterPublicDnsName", "")})


class SecurityConfiguration:
    """A cluster's encryption, and its nodes' access to instance metadata."""

    name = "AWS::EMR::SecurityConfiguration"
    properties = frozenset({"Name", "SecurityConfiguration"})
    replacing = frozenset({"Name", "SecurityConfiguration"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        name = str(properties.get("Name") or context.physical_name(_LONGEST_NAME))
        text = document(properties["SecurityConfiguration"])
        context.client("emr").create_security_configuration(Name=name, SecurityConfiguration=text)
        return Created(name)

    def update(self, _context: ResourceContext, physical_id: str, _before: Properties, _after: Properties) -> Created:
        return Created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over(_UNKNOWN):
            context.client("emr").delete_security_configuration(Name=physical_id)


def run_job_flow(properties: Properties) -> dict[str, Any]:
    """Return the parameters of EMR's RunJobFlow for a cluster's properties; values keep their types."""
    return {
        **{name: properties[name] for name in _COPIED if name in properties},
        "Instances": _instances(properties["Instances"]),
        "Configurations": [_configuration(each) for each in properties.get("Configurations", [])],
        "Steps": [_step(each) for each in properties.get("Steps", [])],
        "Tags": tag_list(properties),
    }


def resized_fleets(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fleets whose capacity differs; raise ReplacementNeededError if more than the protection does too."""
    if _fixed(before) != _fixed(after):
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        raise ReplacementNeededError(f"Instances.{', '.join(names)} can only be given to a new cluster.")
    old, new = _fleets(before), _fleets(after)
    return [fleet for fleet in new if fleet not in old]


def _fixed(instances: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what a running cluster cannot change of its ``Instances``."""
    rest = {name: part for name, part in instances.items() if name in _INSTANCES and name != "TerminationProtected"}
    fleets = [{name: part for name, part in fleet.items() if name not in _CAPACITIES} for fleet in _fleets(instances)]
    return rest, fleets


def _instances(instances: Mapping[str, Any]) -> dict[str, Any]:
    refuse_others("Instances", instances, (*_INSTANCES, *_FLEETS, "TaskInstanceFleets"))
    kept = {name: instances[name] for name in _INSTANCES if name in instances}
    return {**kept, "InstanceFleets": _fleets(instances)}


def _fleets(instances: Mapping[str, Any]) -> list[dict[str, Any]]:
    named = [(kind, instances[name]) for name, kind in _FLEETS.items() if name in instances]
    tasks = [("TASK", fleet) for fleet in instances.get("TaskInstanceFleets", [])]
    return [_fleet(kind, fleet) for kind, fleet in [*named, *tasks]]


def _fleet(kind: str, fleet: Mapping[str, Any]) -> dict[str, Any]:
    types = [
        {**each, "Configurations": [_configuration(inner) for inner in each["Configurations"]]}
        if "Configurations" in each
        else dict(each)
        for each in fleet.get("InstanceTypeConfigs", [])
    ]
    return {**fleet, "InstanceFleetType": kind, "InstanceTypeConfigs": types}


def _configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    # EMR's API says Properties; CloudFormation calls it ConfigurationProperties, and drops Properties silently.
    refuse_others("Configurations", given, ("Classification", "ConfigurationProperties", "Configurations"))
    made: dict[str, Any] = {"Classification": given["Classification"]}
    if "ConfigurationProperties" in given:
        made["Properties"] = dict(given["ConfigurationProperties"])
    if "Configurations" in given:
        made["Configurations"] = [_configuration(inner) for inner in given["Configurations"]]
    return made


def _step(given: Mapping[str, Any]) -> dict[str, Any]:
    jar = dict(given["HadoopJarStep"])
    refuse_others("Steps.HadoopJarStep", jar, ("Args", "Jar", "MainClass", "StepProperties"))
    if "StepProperties" in jar:
        jar["Properties"] = jar.pop("StepProperties")
    return {**given, "HadoopJarStep": jar}


def _state(client: Client, cluster: str) -> str:
    try:
        status: Mapping[str, str] = client.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    except ClientError as error:
        if error.response["Error"]["Code"] == _UNKNOWN:
            return ENDED[0]
        raise
    return status["State"]


def _wait(client: Client, cluster: str, states: Sequence[str]) -> None:
    """Wait until a cluster is in one of some states; fail if it ends instead, or after a time limit."""
    end = time.monotonic() + _LONGEST_WAIT
    while (state := _state(client, cluster)) not in states:
        if state in ENDED:
            status = client.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
            reason = status.get("StateChangeReason", {}).get("Message", "no reason given")
            raise ValueError(f"Cluster {cluster} ended as {state} while it started: {reason}")
        if time.monotonic() > end:
            raise TimeoutError(f"Cluster {cluster} was still {state} after {_LONGEST_WAIT // 60} minutes.")
        time.sleep(_PAUSE)
