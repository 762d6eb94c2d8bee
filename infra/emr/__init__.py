"""Instance types, executors, configuration and roles of an EMR cluster, as plain data.

``fleets`` imports the CDK, so the package does not.
"""

from infra.emr.executors import ExecutorSize, executor_size
from infra.emr.instance_types import (
    DISK_GIB,
    INSTANCE_TYPES,
    ROOT_DISK_GIB,
    Architecture,
    Capacity,
    InstanceType,
    task_capacity,
)

__all__ = [
    "DISK_GIB",
    "INSTANCE_TYPES",
    "ROOT_DISK_GIB",
    "Architecture",
    "Capacity",
    "ExecutorSize",
    "InstanceType",
    "executor_size",
    "task_capacity",
]
