"""The table of instance types says what EC2 says."""

import pytest

from infra.emr import INSTANCE_TYPES, Capacity, InstanceType, task_capacity


@pytest.mark.parametrize(
    "expected",
    [
        InstanceType("m5.xlarge", 4, 16 * 1024, "x86_64"),
        InstanceType("c6i.2xlarge", 8, 16 * 1024, "x86_64"),
        InstanceType("r7g.xlarge", 4, 32 * 1024, "aarch64"),
        InstanceType("m7g.4xlarge", 16, 64 * 1024, "aarch64"),
        InstanceType("c8g.16xlarge", 64, 128 * 1024, "aarch64"),
    ],
    ids=lambda instance: instance.name,
)
def test_a_type_has_the_size_and_processor_that_ec2_publishes(expected: InstanceType) -> None:
    assert INSTANCE_TYPES[expected.name] == expected


@pytest.mark.parametrize("name", INSTANCE_TYPES)
def test_a_g_after_the_generation_means_graviton(name: str) -> None:
    assert (INSTANCE_TYPES[name].architecture == "aarch64") == (name.split(".", maxsplit=1)[0][2:] == "g")


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (4, 100, Capacity(on_demand=0, spot=4)),
        (4, 0, Capacity(on_demand=4, spot=0)),
        (4, 75, Capacity(on_demand=1, spot=3)),
        (1, 50, Capacity(on_demand=0, spot=1)),
        (3, 50, Capacity(on_demand=1, spot=2)),
        (0, 100, Capacity(on_demand=0, spot=0)),
    ],
)
def test_the_share_of_spot_is_rounded_half_up(count: int, share: int, expected: Capacity) -> None:
    assert task_capacity(count, share) == expected
