"""Configure YARN, Spark and JupyterHub on the cluster: EMR's classifications, as plain data."""

from dataclasses import dataclass, field
from typing import Literal

from infra.emr.executors import ExecutorSize

LIVY_TIMEOUT = "30m"
"""Idle time after which Livy ends a notebook's Spark session."""


@dataclass(frozen=True)
class Classification:
    """One of EMR's configuration classifications."""

    name: str  # which configuration file it goes into, ``spark-defaults`` for instance
    properties: dict[str, str] = field(default_factory=dict)
    # Classifications inside it; ``export`` inside ``spark-env`` is the environment of Spark's commands
    nested: tuple["Classification", ...] = ()


MasterLabel = Literal["ON_DEMAND", "CORE"] | None


def master_nodes(spot_share: int, *, managed_scaling: bool) -> MasterLabel:
    """Return the label of the nodes that run application masters; None for any node.

    With ``ON_DEMAND`` EMR's managed scaling would choose the market by demand, regardless of ``spot_share``. Source:
    "Understanding node allocation strategy and scenarios" in the EMR Management Guide.

    Parameters
    ----------
    spot_share
        Percentage of the task nodes that are Spot; 0 or 100 under managed scaling.
    """
    if not managed_scaling:
        return "ON_DEMAND"
    return "CORE" if spot_share else None


def spark(
    size: ExecutorSize,
    first_workers: int,
    most_workers: int,
    interpreter: str,
    region: str,
    masters: MasterLabel = "ON_DEMAND",
) -> list[Classification]:
    """Return the classifications of YARN, Spark and S3A.

    Parameters
    ----------
    first_workers, most_workers
        Core and task nodes that the cluster starts with, and that it may have.
    region
        Where the cluster runs. Without it, AWS SDKs call a global endpoint, which a private subnet cannot reach.
    masters
        Label of the nodes that run application masters; None for any node.
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
        # EMR reads s3:// by S3A since 7.10.
        Classification("core-site", {"fs.s3a.endpoint.region": region}),
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
                # EMR's own sizing would replace the executor size above on nodes of 2xlarge and larger.
                "spark.yarn.heterogeneousExecutors.enabled": "false",
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
                **_labels(masters),
            },
        ),
        # Few nodes may run application masters: let these fill them. YARN's default is a tenth of a queue.
        Classification("capacity-scheduler", {"yarn.scheduler.capacity.maximum-am-resource-percent": "1"}),
    ]


def no_metrics() -> list[Classification]:
    """Return the classification that keeps the CloudWatch agent from sending metrics, which would be billed."""
    return [Classification("emr-metrics", nested=(Classification("emr-system-metrics"),))]


def _labels(masters: MasterLabel) -> dict[str, str]:
    if masters is None:
        return {}
    # In cluster mode the driver runs in the application master: on a reclaimed Spot node it would end the run.
    return {
        "yarn.node-labels.enabled": "true",
        "yarn.node-labels.am.default-node-label-expression": masters,
    }


def jupyterhub(bucket: str) -> list[Classification]:
    """Return the classifications that keep JupyterHub's notebooks in a bucket, and end idle Spark sessions."""
    return [
        Classification("jupyter-s3-conf", {"s3.persistence.enabled": "true", "s3.persistence.bucket": bucket}),
        # A forgotten notebook would hold its driver's memory, and the cluster would never be idle.
        Classification("livy-conf", {"livy.server.session.timeout": LIVY_TIMEOUT}),
    ]
