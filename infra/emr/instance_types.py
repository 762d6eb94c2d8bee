"""The EC2 instance types that a cluster may be made of, their disks, and how many are bought as Spot.

Only types whose disks are all EBS, so that one rule gives every node its disk. Sizes as EC2 publishes them.
"""

from dataclasses import dataclass
from typing import Literal

Architecture = Literal["x86_64", "aarch64"]

DISK_GIB = 64
"""One gp3 data disk a node: YARN's logs and shuffle files; no photo is ever shuffled."""
ROOT_DISK_GIB = 20
"""The release itself fills most of EMR's minimum of 15 GiB; the job's libraries go here too."""


@dataclass(frozen=True)
class InstanceType:
    """One EC2 instance type."""

    name: str
    virtual_cpus: int
    memory_mib: int
    architecture: Architecture  # processor architecture as wheels are tagged: ``x86_64``, or ``aarch64`` for Graviton


_VIRTUAL_CPUS = {"xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64}
_GIB_PER_VIRTUAL_CPU = {"c": 2, "m": 4, "r": 8}
_FAMILIES: dict[str, Architecture] = {
    "m5": "x86_64",
    "m5a": "x86_64",
    "m6i": "x86_64",
    "m7i": "x86_64",
    "c6i": "x86_64",
    "c7i": "x86_64",
    "r6i": "x86_64",
    "r7i": "x86_64",
    "m6g": "aarch64",
    "m7g": "aarch64",
    "m8g": "aarch64",
    "c7g": "aarch64",
    "c8g": "aarch64",
    "r7g": "aarch64",
    "r8g": "aarch64",
}


def _table() -> dict[str, InstanceType]:
    types = [
        InstanceType(f"{family}.{size}", cpus, cpus * _GIB_PER_VIRTUAL_CPU[family[0]] * 1024, architecture)
        for family, architecture in _FAMILIES.items()
        for size, cpus in _VIRTUAL_CPUS.items()
    ]
    return {instance.name: instance for instance in types}


INSTANCE_TYPES = _table()
"""Every type that a setting may name."""


@dataclass(frozen=True)
class Capacity:
    """How many nodes of a fleet are bought which way."""

    on_demand: int
    spot: int


def task_capacity(task_count: int, spot_share: int) -> Capacity:
    """Return how task nodes are split: the share of Spot rounded half up, the rest on demand.

    Parameters
    ----------
    spot_share
        Percentage of Spot, 0 to 100.
    """
    spot = (task_count * spot_share + 50) // 100
    return Capacity(task_count - spot, spot)
