"""An instance fleet of a cluster, and its nodes: how many, of which type, on demand or Spot."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.emr.step import new_id

_ENDED_BY_CLUSTER = {"Code": "CLUSTER_TERMINATED", "Message": "Cluster was terminated."}


@dataclass
class Node:
    """One node, of the market ``ON_DEMAND`` or ``SPOT``; it has an EC2 id, but EC2 does not know it."""

    instance_type: str
    market: str
    created: datetime
    id: str = field(default_factory=lambda: new_id("ci"))
    ec2_id: str = field(default_factory=lambda: f"i-{secrets.token_hex(9)[:17]}")
    state: str = "PROVISIONING"
    reason: Mapping[str, str] = field(default_factory=dict)
    ready: datetime | None = None
    ended: datetime | None = None

    def end(self, now: datetime, reason: Mapping[str, str]) -> None:
        """Enter the state TERMINATED, once."""
        if self.ended is None:
            self.state, self.ended, self.reason = "TERMINATED", now, reason

    def described(self, fleet: str) -> dict[str, Any]:
        """Return the API's ``Instance``."""
        return {
            "Id": self.id,
            "Ec2InstanceId": self.ec2_id,
            "PrivateDnsName": "localhost",
            "PrivateIpAddress": "127.0.0.1",
            "InstanceFleetId": fleet,
            "InstanceType": self.instance_type,
            "Market": self.market,
            "Status": {
                "State": self.state,
                "StateChangeReason": dict(self.reason),
                "Timeline": timeline(self.created, self.ready, self.ended),
            },
        }


@dataclass
class Fleet:
    """One fleet, configured by an ``InstanceFleetConfig`` of the API."""

    configuration: Mapping[str, Any]
    created: datetime
    id: str = field(default_factory=lambda: new_id("if"))
    state: str = "PROVISIONING"
    ready: datetime | None = None
    ended: datetime | None = None
    nodes: list[Node] = field(default_factory=list)
    on_demand: int = 0
    spot: int = 0

    def __post_init__(self) -> None:
        self.resize(
            self.configuration.get("TargetOnDemandCapacity", 0),
            self.configuration.get("TargetSpotCapacity", 0),
            self.created,
        )

    @property
    def kind(self) -> str:
        """MASTER, CORE or TASK."""
        return str(self.configuration["InstanceFleetType"])

    def resize(self, on_demand: int, spot: int, now: datetime) -> None:
        """Start or end nodes of each market to reach the capacities; the newest end first."""
        self.on_demand, self.spot = on_demand, spot
        for market, wanted in (("ON_DEMAND", on_demand), ("SPOT", spot)):
            living = [node for node in self.nodes if node.market == market and node.ended is None]
            for node in living[wanted:]:
                node.end(now, {})
            for _ in range(wanted - len(living)):
                self.nodes.append(Node(self.instance_type, market, now))
        if self.state == "RUNNING":
            self.run(now)

    @property
    def instance_type(self) -> str:
        """The nodes' type: the first one named, which is always available here."""
        return str(self.configuration["InstanceTypeConfigs"][0]["InstanceType"])

    def bootstrap(self) -> None:
        """Enter the state BOOTSTRAPPING."""
        self.state = "BOOTSTRAPPING"
        for node in self.nodes:
            node.state = "BOOTSTRAPPING"

    def run(self, now: datetime) -> None:
        """Enter the state RUNNING."""
        self.state, self.ready = "RUNNING", self.ready or now
        for node in self.nodes:
            if node.ended is None:
                node.state, node.ready = "RUNNING", node.ready or now

    def end(self, now: datetime) -> None:
        """Enter the state TERMINATED."""
        self.state, self.ended = "TERMINATED", now
        for node in self.nodes:
            node.end(now, _ENDED_BY_CLUSTER)

    def described(self) -> dict[str, Any]:
        """Return the API's ``InstanceFleet``."""
        configuration = self.configuration
        return {
            "Id": self.id,
            "Name": configuration.get("Name", self.kind),
            "InstanceFleetType": self.kind,
            "Status": {
                "State": self.state,
                "StateChangeReason": dict(_ENDED_BY_CLUSTER) if self.ended else {},
                "Timeline": timeline(self.created, self.ready, self.ended),
            },
            "TargetOnDemandCapacity": self.on_demand,
            "TargetSpotCapacity": self.spot,
            "ProvisionedOnDemandCapacity": 0 if self.ended else self.on_demand,
            "ProvisionedSpotCapacity": 0 if self.ended else self.spot,
            "InstanceTypeSpecifications": [_specification(each) for each in configuration["InstanceTypeConfigs"]],
            **({"LaunchSpecifications": launch} if (launch := configuration.get("LaunchSpecifications")) else {}),
        }


def timeline(created: datetime, ready: datetime | None, ended: datetime | None) -> dict[str, datetime]:
    """Return the API's ``Timeline``, without moments that have not come yet."""
    moments = {"CreationDateTime": created, "ReadyDateTime": ready, "EndDateTime": ended}
    return {name: moment for name, moment in moments.items() if moment is not None}


def _specification(configuration: Mapping[str, Any]) -> dict[str, Any]:
    described = {name: value for name, value in configuration.items() if name != "EbsConfiguration"}
    described.setdefault("WeightedCapacity", 1)
    return described | {"EbsBlockDevices": _disks(configuration.get("EbsConfiguration", {}))}


def _disks(configuration: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    volumes = [
        each["VolumeSpecification"]
        for each in configuration.get("EbsBlockDeviceConfigs", ())
        for _ in range(each.get("VolumesPerInstance", 1))
    ]
    # The letter after /dev/sd, from b: the root volume is not among them.
    return [
        {"VolumeSpecification": volume, "Device": f"/dev/sd{chr(ord('b') + number)}"}
        for number, volume in enumerate(volumes)
    ]
