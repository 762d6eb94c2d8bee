"""How a cluster's configuration is made to fit a machine."""

from typing import Any

import pytest

from infra.emr.classifications import spark
from infra.emr.executors import executor_size
from infra.emr.instance_types import INSTANCE_TYPES
from localcloud.steps.configuration import OWN, Machine, configure, mebibytes, sizes
from tests.localcloud.emr.clusters import described

SMALL = Machine(cores=2, memory=8192)


@pytest.fixture
def of_our_cluster() -> list[dict[str, Any]]:
    size = executor_size(INSTANCE_TYPES["m6i.xlarge"])
    return [described(each) for each in spark(size, 2, 4, "/opt/orchard/python/bin/python", "eu-west-3")]


def below_node(value: str) -> str:
    return f"/node{value}" if value.startswith("/opt/") else value


def test_sizes_fit_the_machine(of_our_cluster: list[dict[str, Any]]) -> None:
    made = configure(of_our_cluster, SMALL, below_node).defaults
    assert made["spark.master"] == "local[2,4]"
    assert made["spark.driver.memory"] == "2048m"
    assert made["spark.driver.maxResultSize"] == "1024m"
    assert made["spark.executor.cores"] == "2"
    assert made["spark.dynamicAllocation.maxExecutors"] == "1"


def test_other_settings_are_the_clusters(of_our_cluster: list[dict[str, Any]]) -> None:
    made = configure(of_our_cluster, SMALL, below_node).defaults
    assert made["spark.sql.execution.arrow.pyspark.enabled"] == "true"
    assert made["spark.executorEnv.OMP_NUM_THREADS"] == "1"


def test_the_interpreter_is_the_one_on_the_node(of_our_cluster: list[dict[str, Any]]) -> None:
    made = configure(of_our_cluster, SMALL, below_node)
    assert made.environment["PYSPARK_PYTHON"] == "/node/opt/orchard/python/bin/python"
    assert made.environment["PYSPARK_DRIVER_PYTHON"] == "/node/opt/orchard/python/bin/python"
    assert made.defaults["spark.pyspark.python"] == "/node/opt/orchard/python/bin/python"


def test_lists_replaced_settings_with_both_values() -> None:
    asked = [{"Classification": "spark-defaults", "Properties": {"spark.driver.memory": "100g", "spark.ui.port": "1"}}]
    assert configure(asked, SMALL, below_node).replaced == [
        "spark.driver.memory 100g by 2048m",
        "spark.master yarn by local[2,4]",
    ]


def test_accepts_an_empty_classification() -> None:
    assert configure([{"Classification": "spark-env"}], SMALL, below_node).environment == {}


def test_a_cluster_without_classifications_runs_too() -> None:
    made = configure([], SMALL, below_node)
    assert made.environment == {}
    assert OWN.items() <= made.defaults.items()


@pytest.mark.parametrize(
    ("driver", "executor", "memory", "heap"),
    [("1g", "1g", 65536, "2048m"), ("16g", "16g", 8192, "2048m"), ("256m", "256m", 65536, "1024m")],
)
def test_the_heap_is_at_most_a_quarter_of_the_machine(driver: str, executor: str, memory: int, heap: str) -> None:
    asked = {"spark.driver.memory": driver, "spark.executor.memory": executor}
    assert sizes(asked, Machine(4, memory))["spark.driver.memory"] == heap


@pytest.mark.parametrize(
    ("text", "expected"), [("4g", 4096), ("512m", 512), ("2048k", 2), ("1T", 1048576), ("4gb", 4096), ("1048576", 1)]
)
def test_sizes_are_read_as_spark_writes_them(text: str, expected: int) -> None:
    assert mebibytes(text) == expected


def test_the_file_has_a_line_for_each_setting() -> None:
    asked = [{"Classification": "spark-defaults", "Properties": {"spark.a": "x\\y z"}}]
    assert "spark.a x\\\\y z\n" in configure(asked, SMALL, below_node).file
