"""Compute how large Spark's executors and driver are on an instance type.

YARN gets three quarters of a node's memory, or all but 8 GiB where that is more. Of that, a quarter (5 GiB
at most) is left for a driver: the job's own runs on the primary node (client mode), but the driver of
an application in cluster mode runs on one of the nodes, next to its executors. The executors share the rest. Half of an
executor is the JVM's heap and half is left to the Python processes, one a core, where images are decoded and the
backbone runs.
"""

from dataclasses import dataclass

from infra.emr.instance_types import InstanceType

CORES = 4
"""Of one executor: every type offered has a multiple of four, and larger heaps pause longer."""
_GIB = 1024
_MOST_FOR_DRIVER = 5 * _GIB


@dataclass(frozen=True)
class ExecutorSize:
    """Memory in MiB and counts, for one node."""

    yarn_memory: int
    executors: int  # how many fit on the node with a driver
    cores: int  # tasks that one executor runs at the same time
    memory: int  # an executor's heap; the overhead is for its Python processes
    memory_overhead: int
    driver_memory: int
    driver_memory_overhead: int


def executor_size(instance: InstanceType) -> ExecutorSize:
    """Return the size of executors and driver on nodes of one type."""
    yarn_memory = max(instance.memory_mib * 3 // 4, instance.memory_mib - 8 * _GIB)
    driver = min(yarn_memory // 4, _MOST_FOR_DRIVER)
    driver_memory = driver * 4 // 5
    executors = instance.virtual_cpus // CORES
    container = (yarn_memory - driver) // executors
    memory = container // 2
    return ExecutorSize(
        yarn_memory=yarn_memory,
        executors=executors,
        cores=CORES,
        memory=memory,
        memory_overhead=container - memory,
        driver_memory=driver_memory,
        driver_memory_overhead=driver - driver_memory,
    )
