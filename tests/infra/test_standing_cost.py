"""Tests of infra/standing_cost.py: what is still paid for after the cluster has ended."""

from typing import Any

import pytest

from infra.cdk_context import read_settings
from infra.standing_cost import standing_costs, standing_usd_a_month
from tests.infra.synthesis import Synthesise, default_context

ENDPOINT, NAT, KEY, SECRET = 0.011 * 730, (0.048 + 0.005) * 730, 1.0, 0.4
HUB = {"session_manager": True, "jupyterhub": True}


@pytest.mark.parametrize(
    ("changed", "usd"),
    [
        ({}, KEY + ENDPOINT),
        ({"kms_endpoint": False}, KEY),
        (HUB, KEY + 3 * ENDPOINT + SECRET),
        ({"live_logs": True}, KEY + 2 * ENDPOINT),
        ({"network": "private-nat"}, KEY + NAT),
        ({"network": "public", **HUB}, KEY + SECRET),
        ({"vpc_id": "vpc-01234567", "subnet_ids": "subnet-01234567", "network": "private-nat"}, KEY),
    ],
)
def test_counts_what_outlives_the_cluster(changed: dict[str, Any], usd: float) -> None:
    settings = read_settings(default_context() | changed)
    assert standing_usd_a_month(settings) == pytest.approx(usd)
    assert sum(standing_costs(settings).values()) == pytest.approx(usd)


def test_the_stack_has_its_standing_cost_as_an_output(environment: Synthesise) -> None:
    outputs = environment().template("OrchardCluster")["Outputs"]
    assert outputs["StandingUsdAMonth"]["Value"] == "9.03"
