"""Spark, YARN and JupyterHub are configured as the cluster needs it."""

import pytest

from infra.emr import classifications
from infra.emr.executors import executor_size
from infra.emr.instance_types import INSTANCE_TYPES

PYTHON = "/opt/orchard/python/bin/python"
SIZE = executor_size(INSTANCE_TYPES["m6i.xlarge"])
SPARK = classifications.spark(SIZE, 3, 10, PYTHON, "eu-west-3")


def properties(name: str) -> dict[str, str]:
    (found,) = [each for each in SPARK if each.name == name]
    return found.properties


def test_executors_and_driver_have_the_computed_size() -> None:
    spark = properties("spark-defaults")
    assert {name: spark[name] for name in spark if name.startswith(("spark.executor.", "spark.driver."))} == {
        "spark.executor.cores": "4",
        "spark.executor.memory": "4608m",
        "spark.executor.memoryOverhead": "4608m",
        "spark.driver.memory": "2457m",
        "spark.driver.memoryOverhead": "615m",
        "spark.driver.maxResultSize": "1228m",
    }


def test_executors_come_and_go_up_to_what_the_nodes_hold() -> None:
    spark = properties("spark-defaults")
    assert {name: spark[name] for name in spark if name.startswith("spark.dynamicAllocation.")} == {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "1",
        "spark.dynamicAllocation.initialExecutors": "3",
        "spark.dynamicAllocation.maxExecutors": "10",
    }


def test_rows_travel_to_python_as_arrow() -> None:
    assert properties("spark-defaults")["spark.sql.execution.arrow.pyspark.enabled"] == "true"


@pytest.mark.parametrize(
    "name",
    [
        "spark.pyspark.python",
        "spark.pyspark.driver.python",
        "spark.executorEnv.PYSPARK_PYTHON",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON",
        "spark.yarn.appMasterEnv.PYSPARK_DRIVER_PYTHON",
    ],
)
def test_every_way_to_start_python_starts_the_jobs_own(name: str) -> None:
    assert properties("spark-defaults")[name] == PYTHON


def test_sparks_commands_find_the_same_python() -> None:
    (spark_env,) = [each for each in SPARK if each.name == "spark-env"]
    (export,) = spark_env.nested
    assert (export.name, export.properties["PYSPARK_PYTHON"], export.properties["PYSPARK_DRIVER_PYTHON"]) == (
        "export",
        PYTHON,
        PYTHON,
    )


@pytest.mark.parametrize("prefix", ["spark.executorEnv", "spark.yarn.appMasterEnv"])
def test_drivers_and_executors_know_their_region(prefix: str) -> None:
    spark = properties("spark-defaults")
    assert [spark[f"{prefix}.{name}"] for name in ("AWS_REGION", "AWS_DEFAULT_REGION")] == ["eu-west-3"] * 2


def test_a_task_keeps_to_its_core() -> None:
    assert properties("spark-defaults")["spark.executorEnv.OMP_NUM_THREADS"] == "1"


def test_yarn_offers_the_memory_that_executors_are_computed_from() -> None:
    yarn = properties("yarn-site")
    assert [yarn["yarn.nodemanager.resource.memory-mb"], yarn["yarn.scheduler.maximum-allocation-mb"]] == [
        "12288",
        "12288",
    ]


@pytest.mark.parametrize(
    ("managed_scaling", "spot_share", "label"),
    [(False, 100, "ON_DEMAND"), (False, 0, "ON_DEMAND"), (True, 100, "CORE"), (True, 0, None)],
)
def test_application_masters_stay_off_spot_nodes(
    spot_share: int, label: classifications.MasterLabel, *, managed_scaling: bool
) -> None:
    masters = classifications.master_nodes(spot_share, managed_scaling=managed_scaling)
    found = classifications.spark(SIZE, 3, 10, PYTHON, "eu-west-3", masters)
    (yarn,) = [each.properties for each in found if each.name == "yarn-site"]
    assert yarn.get("yarn.node-labels.am.default-node-label-expression") == label
    assert yarn.get("yarn.node-labels.enabled") == (None if label is None else "true")


def test_application_masters_may_fill_their_nodes() -> None:
    assert properties("capacity-scheduler") == {"yarn.scheduler.capacity.maximum-am-resource-percent": "1"}


def test_emr_does_not_resize_executors() -> None:
    assert properties("spark") == {"maximizeResourceAllocation": "false"}
    assert properties("spark-defaults")["spark.yarn.heterogeneousExecutors.enabled"] == "false"


def test_s3a_knows_its_region() -> None:
    assert properties("core-site") == {"fs.s3a.endpoint.region": "eu-west-3"}


def test_jupyterhub_keeps_notebooks_in_a_bucket() -> None:
    notebooks, _ = classifications.jupyterhub("data")
    assert (notebooks.name, notebooks.properties) == (
        "jupyter-s3-conf",
        {"s3.persistence.enabled": "true", "s3.persistence.bucket": "data"},
    )


def test_livy_ends_idle_notebook_sessions() -> None:
    _, livy = classifications.jupyterhub("data")
    assert (livy.name, livy.properties) == ("livy-conf", {"livy.server.session.timeout": "30m"})
