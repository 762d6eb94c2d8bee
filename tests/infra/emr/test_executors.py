"""Executors and driver fit the instance type, whatever it is."""

import pytest

from infra.emr.executors import ExecutorSize, executor_size
from infra.emr.instance_types import INSTANCE_TYPES


def test_an_m6i_xlarge_runs_one_executor_beside_a_driver() -> None:
    assert executor_size(INSTANCE_TYPES["m6i.xlarge"]) == ExecutorSize(
        yarn_memory=12_288,
        executors=1,
        cores=4,
        memory=4_608,
        memory_overhead=4_608,
        driver_memory=2_457,
        driver_memory_overhead=615,
    )


def test_a_compute_type_with_little_memory_still_runs_both() -> None:
    assert executor_size(INSTANCE_TYPES["c7g.xlarge"]) == ExecutorSize(
        yarn_memory=6_144,
        executors=1,
        cores=4,
        memory=2_304,
        memory_overhead=2_304,
        driver_memory=1_228,
        driver_memory_overhead=308,
    )


def test_on_large_nodes_the_driver_stays_at_five_gib() -> None:
    size = executor_size(INSTANCE_TYPES["m7g.8xlarge"])
    assert (size.executors, size.driver_memory + size.driver_memory_overhead) == (8, 5 * 1024)


@pytest.mark.parametrize("name", INSTANCE_TYPES)
def test_executors_and_one_driver_fit_into_what_yarn_gives_away(name: str) -> None:
    size = executor_size(INSTANCE_TYPES[name])
    executors = size.executors * (size.memory + size.memory_overhead)
    assert executors + size.driver_memory + size.driver_memory_overhead <= size.yarn_memory


@pytest.mark.parametrize("name", INSTANCE_TYPES)
def test_yarn_leaves_memory_to_the_operating_system(name: str) -> None:
    instance = INSTANCE_TYPES[name]
    assert instance.memory_mib - executor_size(instance).yarn_memory >= 2 * 1024


@pytest.mark.parametrize("name", INSTANCE_TYPES)
def test_every_core_of_a_node_is_used(name: str) -> None:
    size = executor_size(INSTANCE_TYPES[name])
    assert size.executors * size.cores == INSTANCE_TYPES[name].virtual_cpus


@pytest.mark.parametrize("name", INSTANCE_TYPES)
def test_each_python_process_has_half_a_gib_at_least(name: str) -> None:
    size = executor_size(INSTANCE_TYPES[name])
    assert size.memory_overhead // size.cores >= 512
