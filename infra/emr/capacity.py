"""How many nodes of a cluster are bought which way, and the disks of each: numbers, for the stack and for its price."""

from dataclasses import dataclass

DISK_GIB = 64
"""One gp3 data disk a node: YARN's logs and shuffle files; no photo is ever shuffled."""
ROOT_DISK_GIB = 20
"""The release itself fills most of EMR's minimum of 15 GiB; the job's libraries go here too."""


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
