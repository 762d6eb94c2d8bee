"""Validates requests to EMR: refuses what EMR would refuse, and names what the local cloud does not model."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

MODELLED = frozenset({
    "Name", "LogUri", "ReleaseLabel", "Instances", "Steps", "BootstrapActions", "Applications", "Configurations",
    "VisibleToAllUsers", "JobFlowRole", "ServiceRole", "Tags", "SecurityConfiguration", "ScaleDownBehavior",
    "EbsRootVolumeSize", "EbsRootVolumeIops", "EbsRootVolumeThroughput", "StepConcurrencyLevel",
    "ManagedScalingPolicy", "AutoTerminationPolicy", "OSReleaseLabel",
})  # fmt: skip
"""Of ``RunJobFlow``."""

MODELLED_OF_INSTANCES = frozenset({
    "InstanceFleets", "Ec2KeyName", "Placement", "KeepJobFlowAliveWhenNoSteps", "TerminationProtected",
    "Ec2SubnetId", "Ec2SubnetIds", "EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup",
    "ServiceAccessSecurityGroup", "AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups",
})  # fmt: skip
"""Of its ``Instances``."""

IDLE_SECONDS = (60, 604_800)
MOST_BOOTSTRAP_ACTIONS = 16
MOST_STEPS_AT_ONCE = 256
MOST_STEPS_PER_REQUEST = 256
ACTIONS_ON_FAILURE = ("CANCEL_AND_WAIT", "TERMINATE_JOB_FLOW", "TERMINATE_CLUSTER", "CONTINUE")


class RefusedError(Exception):
    """A request that EMR refuses, with the code ``ValidationException`` or ``InvalidRequestException``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def invalid(message: str) -> RefusedError:
    """Return the refusal of a request that is invalid in itself."""
    return RefusedError("ValidationException", message)


def invalid_request(message: str) -> RefusedError:
    """Return the refusal of a request for something that does not exist."""
    return RefusedError("InvalidRequestException", message)


def check(request: Mapping[str, Any]) -> None:
    """Refuse a request that EMR refuses without looking at other resources."""
    instances = request.get("Instances", {})
    unknown = [*_unknown(request, MODELLED, ""), *_unknown(instances, MODELLED_OF_INSTANCES, "Instances.")]
    if unknown:
        raise invalid(f"The local cloud does not model {', '.join(unknown)} of RunJobFlow.")
    if not re.fullmatch(r"emr-\d+\.\d+\.\d+", request.get("ReleaseLabel", "")):
        raise invalid(f"The supplied release label is invalid: {request.get('ReleaseLabel', '')}.")
    if not request.get("JobFlowRole"):
        raise invalid("InstanceProfile is required for creating cluster.")
    if not request.get("ServiceRole"):
        raise invalid("ServiceRole is required for creating cluster.")
    kinds = [fleet.get("InstanceFleetType") for fleet in instances.get("InstanceFleets", ())]
    if kinds.count("MASTER") != 1 or kinds.count("CORE") > 1:
        raise invalid("A cluster has one instance fleet of the type MASTER and at most one of the type CORE.")
    if any(not fleet.get("InstanceTypeConfigs") for fleet in instances["InstanceFleets"]):
        raise invalid("Every instance fleet names at least one instance type.")
    if len(request.get("BootstrapActions", ())) > MOST_BOOTSTRAP_ACTIONS:
        raise invalid(f"A cluster has at most {MOST_BOOTSTRAP_ACTIONS} bootstrap actions.")
    if not 1 <= request.get("StepConcurrencyLevel", 1) <= MOST_STEPS_AT_ONCE:
        raise invalid(f"The step concurrency level is between 1 and {MOST_STEPS_AT_ONCE}.")
    check_steps(request.get("Steps", ()), request.get("StepConcurrencyLevel", 1))
    if "AutoTerminationPolicy" in request:
        check_auto_termination(request["AutoTerminationPolicy"])


def check_steps(steps: Sequence[Mapping[str, Any]], concurrency: int) -> None:
    """Refuse steps that EMR would refuse on a cluster that runs ``concurrency`` steps at once."""
    if len(steps) > MOST_STEPS_PER_REQUEST:
        raise invalid(f"A maximum of {MOST_STEPS_PER_REQUEST} steps are allowed in each job flow.")
    if any("ExecutionRoleArn" in step for step in steps):
        raise invalid("The local cloud does not model ExecutionRoleArn of a step.")
    actions = [step.get("ActionOnFailure", "CONTINUE") for step in steps]
    for number, action in enumerate(actions, 1):
        if action not in ACTIONS_ON_FAILURE:
            raise invalid(
                f"1 validation error detected: Value '{action}' at 'steps.{number}.member.actionOnFailure' failed to "
                f"satisfy constraint: Member must satisfy enum value set: [{', '.join(ACTIONS_ON_FAILURE)}]"
            )
    if concurrency > 1 and any(action != "CONTINUE" for action in actions):
        # EMR's documentation of StepConfig; the exact sentence is not published.
        raise invalid("The ActionOnFailure setting is not valid: StepConcurrencyLevel is greater than 1.")


def check_resize(fleet: Mapping[str, Any]) -> None:
    """Refuse new capacities of a fleet unless both or neither are given."""
    if ("TargetOnDemandCapacity" in fleet) != ("TargetSpotCapacity" in fleet):
        raise invalid_request(
            "The instance fleet should have both targetOnDemandCapacity and targetSpotCapacity specified."
        )


def check_auto_termination(policy: Mapping[str, Any]) -> None:
    """Refuse an idle time that EMR would refuse."""
    least, most = IDLE_SECONDS
    if not least <= policy.get("IdleTimeout", 0) <= most:
        raise invalid(f"The idle timeout must be between {least} and {most} seconds.")


def check_managed_scaling(policy: Mapping[str, Any]) -> None:
    """Refuse limits of managed scaling that EMR would refuse."""
    limits = policy.get("ComputeLimits", {})
    least, most = limits.get("MinimumCapacityUnits"), limits.get("MaximumCapacityUnits")
    if least is None or most is None or "UnitType" not in limits:
        raise invalid("ComputeLimits needs UnitType, MinimumCapacityUnits and MaximumCapacityUnits.")
    if not 1 <= least <= most:
        raise invalid("MinimumCapacityUnits must be at least 1 and not above MaximumCapacityUnits.")


def _unknown(given: Mapping[str, Any], known: Collection[str], prefix: str) -> list[str]:
    return [prefix + name for name in given if name not in known]
