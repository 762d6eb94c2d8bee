"""A cluster: its request and its transitions between states.

Nothing here waits or runs: users' requests and the step runner's observations arrive as calls with their time, and the
caller holds the cluster's lock.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.emr.fleet import Fleet, timeline
from localcloud.emr.step import ACTIVE_STATES, Step, new_id
from localcloud.emr.validation import check_steps, invalid, invalid_request

ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
SEND_INTERRUPT = "SEND_INTERRUPT"

_DESCRIBED_AS_ASKED = (
    *("Name", "LogUri", "LogEncryptionKmsKeyId", "ReleaseLabel", "ServiceRole", "SecurityConfiguration"),
    *("AutoScalingRole", "ScaleDownBehavior", "CustomAmiId", "EbsRootVolumeSize", "EbsRootVolumeIops"),
    *("EbsRootVolumeThroughput", "OSReleaseLabel", "RepoUpgradeOnBoot"),
)
_INSTANCE_ATTRIBUTES_AS_ASKED = (
    *("Ec2KeyName", "EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup", "ServiceAccessSecurityGroup"),
    *("AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups"),
)


@dataclass
class Cluster:
    """One cluster.

    ``request`` is the checked request of ``RunJobFlow``, ``reason`` the API's ``ClusterStateChangeReason``;
    ``idle_since`` is None in every state but WAITING; ``policies`` has the API's policies by their names.
    """

    request: Mapping[str, Any]
    account: str
    region: str
    created: datetime
    id: str = field(default_factory=lambda: new_id("j"))
    state: str = "STARTING"
    reason: Mapping[str, str] = field(default_factory=lambda: {"Message": "Provisioning Amazon EC2 capacity"})
    ready: datetime | None = None
    ended: datetime | None = None
    idle_since: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    step_concurrency: int = 1
    termination_protected: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    def __post_init__(self) -> None:
        asked = self.request
        instances = asked["Instances"]
        self.fleets = [Fleet(each, self.created) for each in instances.get("InstanceFleets", ())]
        self.steps = [Step(each, self.created) for each in asked.get("Steps", ())]
        self.tags = {each["Key"]: each.get("Value", "") for each in asked.get("Tags", ())}
        self.policies = {
            name: asked[name] for name in ("AutoTerminationPolicy", "ManagedScalingPolicy") if name in asked
        }
        self.step_concurrency = asked.get("StepConcurrencyLevel", 1)
        self.termination_protected = instances.get("TerminationProtected", False)

    @property
    def arn(self) -> str:
        """The cluster's Amazon resource name."""
        return f"arn:aws:elasticmapreduce:{self.region}:{self.account}:cluster/{self.id}"

    @property
    def log_uri(self) -> str:
        """URI of the logs, ending with a slash; empty without logs."""
        uri = str(self.request.get("LogUri", "")).replace("s3n://", "s3://")
        return uri and uri.rstrip("/") + "/"

    @property
    def instance_profile(self) -> str:
        """Name of the nodes' instance profile."""
        return str(self.request["JobFlowRole"]).rsplit("/", 1)[-1]

    @property
    def keeps_alive(self) -> bool:
        """Whether it continues without steps."""
        return bool(self.request["Instances"].get("KeepJobFlowAliveWhenNoSteps", False))

    @property
    def primary(self) -> str:
        """EC2's id of the primary node."""
        return next(node.ec2_id for fleet in self.fleets if fleet.kind == "MASTER" for node in fleet.nodes)

    @property
    def is_ending(self) -> bool:
        """Whether it no longer accepts steps."""
        return self.state in ("TERMINATING", *ENDED)

    def step(self, wanted: str) -> Step:
        """Return the step of an id."""
        for step in self.steps:
            if step.id == wanted:
                return step
        raise invalid_request(f"Step id '{wanted}' is not valid.")

    def add_steps(self, configurations: Sequence[Mapping[str, Any]], now: datetime) -> list[Step]:
        """Attach steps; return them."""
        if self.is_ending:
            raise invalid("A job flow that is shutting down, terminated, or finished may not be modified.")
        check_steps(configurations, self.step_concurrency)
        added = [Step(each, now) for each in configurations]
        self.steps += added
        return added

    def cancel(self, step: Step, option: str, now: datetime) -> str:
        """Cancel a step; return why that is impossible, empty if it is not."""
        if step.state == "PENDING":
            step.end("CANCELLED", now, "Step was cancelled by the user.")
        elif step.state == "RUNNING":
            step.state, step.cancellation = "CANCEL_PENDING", option or SEND_INTERRUPT
        else:
            return f"The step is in the state {step.state} and cannot be cancelled."
        return ""

    def bootstrap(self) -> None:
        """Enter the state BOOTSTRAPPING."""
        self.state, self.reason = "BOOTSTRAPPING", {"Message": "Running bootstrap actions"}
        for fleet in self.fleets:
            fleet.bootstrap()

    def become_ready(self, now: datetime) -> None:
        """Accept steps from now on."""
        self.ready = now
        for fleet in self.fleets:
            fleet.run(now)
        self._wait(now, "Cluster ready to run steps.")

    def startable(self) -> list[Step]:
        """Return the steps to start now, in order."""
        if self.state not in ("RUNNING", "WAITING"):
            return []
        free = self.step_concurrency - sum(step.state in ACTIVE_STATES for step in self.steps)
        return [step for step in self.steps if step.state == "PENDING"][: max(0, free)]

    def start(self, step: Step, now: datetime) -> None:
        """Start a step."""
        step.start(now)
        self.state, self.reason, self.idle_since = "RUNNING", {"Message": "Running step"}, None

    def complete(self, step: Step, now: datetime) -> None:
        """Record that a step succeeded."""
        step.end("COMPLETED", now)
        self._rest(now, "Cluster ready after last step completed.")

    def fail(self, step: Step, failure: Mapping[str, str], now: datetime) -> None:
        """Record that a step failed, was cancelled or ended with the cluster, and apply its action on failure."""
        if step.state == "CANCEL_PENDING":
            step.end("CANCELLED", now, "Step was cancelled by the user.")
            self._rest(now, "Cluster ready after last step cancelled.")
            return
        if self.is_ending:
            step.end("CANCELLED", now, "Job terminated")
            return
        step.end("FAILED", now, failure=failure)
        # Where several steps run at once, the failure of one never affects the others.
        action = step.action_on_failure if self.step_concurrency == 1 else "CONTINUE"
        if action == "TERMINATE_CLUSTER":
            self.terminate("STEP_FAILURE", "Shut down as step failed", now)
            return
        if action == "CANCEL_AND_WAIT":
            self._cancel_pending(now)
        self._rest(now, "Cluster ready after last step failed.")

    def terminate(self, code: str, message: str, now: datetime) -> None:
        """Begin to terminate and cancel pending steps; the caller must end running ones."""
        if self.is_ending:
            return
        self.state, self.reason, self.idle_since = "TERMINATING", {"Code": code, "Message": message}, None
        self._cancel_pending(now)

    def finish(self, now: datetime) -> None:
        """Enter the final state: nothing runs any more."""
        errors = self.reason.get("Code") in ("BOOTSTRAP_FAILURE", "STEP_FAILURE", "VALIDATION_ERROR", "INTERNAL_ERROR")
        self.state, self.ended = "TERMINATED_WITH_ERRORS" if errors else "TERMINATED", now
        for fleet in self.fleets:
            fleet.end(now)

    def end_if_done(self, now: datetime) -> None:
        """Begin to terminate after the last step, or when idle for longer than the policy allows."""
        if self.state != "WAITING" or self.idle_since is None or self.startable():
            return
        if not self.keeps_alive:
            failed = any(step.state == "FAILED" for step in self.steps)
            self.terminate("ALL_STEPS_COMPLETED", "Steps completed with errors" if failed else "Steps completed", now)
            return
        timeout = self.policies.get("AutoTerminationPolicy", {}).get("IdleTimeout")
        if timeout is not None and (now - self.idle_since).total_seconds() >= timeout:
            self.terminate("USER_REQUEST", f"Auto-terminated after being idle for {timeout} seconds", now)

    def _rest(self, now: datetime, message: str) -> None:
        if not any(step.state in (*ACTIVE_STATES, "PENDING") for step in self.steps) and not self.is_ending:
            self._wait(now, message)

    def _wait(self, now: datetime, message: str) -> None:
        self.state, self.reason, self.idle_since = "WAITING", {"Message": message}, now

    def _cancel_pending(self, now: datetime) -> None:
        for step in self.steps:
            if step.state == "PENDING":
                step.end("CANCELLED", now, "Job terminated")

    def summary(self) -> dict[str, Any]:
        """Return the API's ``ClusterSummary``."""
        return {
            "Id": self.id,
            "Name": self.request["Name"],
            "ClusterArn": self.arn,
            "NormalizedInstanceHours": 0,
            "Status": {
                "State": self.state,
                "StateChangeReason": dict(self.reason),
                "Timeline": timeline(self.created, self.ready, self.ended),
            },
        }

    def described(self) -> dict[str, Any]:
        """Return the API's ``Cluster``."""
        asked, instances = self.request, self.request["Instances"]
        subnets = instances.get("Ec2SubnetIds") or [each for each in [instances.get("Ec2SubnetId")] if each]
        attributes = {name: instances[name] for name in _INSTANCE_ATTRIBUTES_AS_ASKED if name in instances}
        if subnets:
            attributes |= {"Ec2SubnetId": subnets[0], "RequestedEc2SubnetIds": subnets}
        zone = instances.get("Placement", {}).get("AvailabilityZone", f"{self.region}a")
        return {
            **self.summary(),
            **{name: asked[name] for name in _DESCRIBED_AS_ASKED if asked.get(name)},
            "InstanceCollectionType": "INSTANCE_FLEET",
            "Ec2InstanceAttributes": {
                **attributes,
                "Ec2AvailabilityZone": zone,
                "IamInstanceProfile": self.instance_profile,
            },
            "AutoTerminate": not self.keeps_alive,
            "TerminationProtected": self.termination_protected,
            # Since 2021, every principal with the permission sees every cluster of the account.
            "VisibleToAllUsers": True,
            "Applications": asked.get("Applications", []),
            "Configurations": asked.get("Configurations", []),
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
            "StepConcurrencyLevel": self.step_concurrency,
            "MasterPublicDnsName": "localhost",
        }
