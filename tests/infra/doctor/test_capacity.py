"""Tests of infra/doctor/capacity.py."""

from typing import Any

import pytest

from infra.cdk_context import read_settings
from infra.doctor.capacity import needed_cpus, offered_finding
from infra.doctor.finding import Level
from tests.infra.synthesis import default_context


@pytest.mark.parametrize(
    ("changed", "on_demand", "spot"),
    [
        ({}, 8, 8),
        ({"spot_share": 0}, 16, 0),
        ({"task_count": 0}, 8, 0),
        ({"worker_instance_types": "m6i.4xlarge", "core_count": 2}, 36, 32),
        ({"network": "public", "managed_scaling": True, "scaling_max": 11}, 8, 40),
    ],
)
def test_the_largest_cluster_counts(changed: dict[str, Any], on_demand: int, spot: int) -> None:
    settings = read_settings(default_context() | changed)
    assert needed_cpus(settings, settings.most_workers) == (on_demand, spot)


def test_all_nodes_need_one_zone() -> None:
    settings = read_settings(
        default_context() | {"primary_instance_types": "m5.xlarge", "worker_instance_types": "m6i.xlarge"}
    )
    apart = {("a", "m5.xlarge"), ("b", "m6i.xlarge")}
    assert offered_finding(settings, ["a", "b"], apart).level is Level.FAILURE
    assert offered_finding(settings, ["a", "b"], apart | {("b", "m5.xlarge")}).level is Level.OK
