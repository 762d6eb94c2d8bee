"""Configure YARN, Spark and JupyterHub on the cluster: EMR's classifications, as plain data."""

from dataclasses import dataclass, field

from infra.emr.executors import ExecutorSize


@dataclass(frozen=True)
class Classification:
    """One of EMR's configuration classifications."""

    name: str  # which configuration file it goes into, ``spark-defaults`` for instance
    properties: dict[str, str] = field(default_factory=dict)
    # Classifications inside it; ``export`` inside ``spark-env`` is the environment of Spark's commands
    nested: tuple["Classification", ...] = ()


def spark(
    size: ExecutorSize, first_workers: int, most_workers: int, interpreter: str, region: str
) -> list[Classification]:
    """Return the classifications of YARN and Spark.

    Parameters
    ----------
    first_workers, most_workers
        Core and task nodes that the cluster starts with, and that it may have.
    region
        Where the cluster runs: AWS SDKs would else ask an endpoint that a private subnet cannot reach.
    """
    environment = {
        "PYSPARK_PYTHON": interpreter,
        "PYSPARK_DRIVER_PYTHON": interpreter,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # A task has one core: threads of a matrix product would fight with the other tasks.
        "OMP_NUM_THREADS": "1",
    }
    return [
        Classification("spark", {"maximizeResourceAllocation": "false"}),
        Classification("spark-env", nested=(Classification("export", environment),)),
        Classification(
            "spark-defaults",
            {
                "spark.executor.cores": str(size.cores),
                "spark.executor.memory": f"{size.memory}m",
                "spark.executor.memoryOverhead": f"{size.memory_overhead}m",
                "spark.driver.memory": f"{size.driver_memory}m",
                "spark.driver.memoryOverhead": f"{size.driver_memory_overhead}m",
                "spark.driver.maxResultSize": f"{size.driver_memory // 2}m",
                "spark.dynamicAllocation.enabled": "true",
                "spark.dynamicAllocation.minExecutors": "1",
                "spark.dynamicAllocation.initialExecutors": str(first_workers * size.executors),
                "spark.dynamicAllocation.maxExecutors": str(most_workers * size.executors),
                "spark.sql.execution.arrow.pyspark.enabled": "true",
                "spark.pyspark.python": interpreter,
                "spark.pyspark.driver.python": interpreter,
                **{f"spark.executorEnv.{name}": value for name, value in environment.items()},
                **{f"spark.yarn.appMasterEnv.{name}": value for name, value in environment.items()},
            },
        ),
        Classification(
            "yarn-site",
            {
                "yarn.nodemanager.resource.memory-mb": str(size.yarn_memory),
                "yarn.scheduler.maximum-allocation-mb": str(size.yarn_memory),
                # An application master, in cluster mode with the driver in it, would take the whole run with it
                # when its Spot node is reclaimed.
                "yarn.node-labels.enabled": "true",
                "yarn.node-labels.am.default-node-label-expression": "ON_DEMAND",
            },
        ),
    ]


def jupyterhub(bucket: str) -> list[Classification]:
    """Return the classification that keeps JupyterHub's notebooks in a bucket instead of on the node."""
    return [Classification("jupyter-s3-conf", {"s3.persistence.enabled": "true", "s3.persistence.bucket": bucket})]
