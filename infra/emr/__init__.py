"""Instance types, executors, configuration and roles of an EMR cluster, as plain data.

``fleets`` is public too, and imports the CDK.
"""

from infra.emr import classifications, roles
from infra.emr.classifications import Classification
from infra.emr.executors import executor_size
from infra.emr.instance_types import (
    DISK_GIB,
    INSTANCE_TYPES,
    ROOT_DISK_GIB,
    Architecture,
    Capacity,
    InstanceType,
    task_capacity,
)
from infra.emr.roles import LOG_GROUP, MANAGED_POLICY_TAG, Statement, policy_document
from infra.emr.security_configuration import security_configuration

__all__ = [
    "DISK_GIB",
    "INSTANCE_TYPES",
    "LOG_GROUP",
    "MANAGED_POLICY_TAG",
    "ROOT_DISK_GIB",
    "Architecture",
    "Capacity",
    "Classification",
    "InstanceType",
    "Statement",
    "classifications",
    "executor_size",
    "policy_document",
    "roles",
    "security_configuration",
    "task_capacity",
]
