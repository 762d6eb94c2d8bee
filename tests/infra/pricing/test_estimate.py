"""Tests of infra/pricing/estimate.py and actual.py: computations with exact values."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.cdk_context import read_settings
from infra.errors import PriceUnknownError
from infra.pricing.actual import NodesCost, cost_of_nodes, hours_of, share
from infra.pricing.estimate import (
    ON_DEMAND,
    SPOT,
    NodeCost,
    cheapest,
    disk_usd_an_hour,
    hour_cost,
    photos_cost,
    without_price,
)
from infra.pricing.speed import BENCHMARK, Speed
from infra.pricing.table import NodePrice, RegionPrices
from infra.runs import Node
from infra.settings import Settings

BEGIN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

PRICES = RegionPrices(
    "eu-west-1",
    {
        "m5.xlarge": NodePrice(ec2=0.2, emr=0.05, spot=0.08),
        "m6i.xlarge": NodePrice(ec2=0.1, emr=None, spot=0.01),
        "m7i.xlarge": NodePrice(ec2=0.3, emr=0.01, spot=0.07),
    },
    gp3_gib_month=0.073,
    storage_gib_month=0.02,
    thousand_writes=0.005,
    thousand_reads=0.0004,
)
DISK = 84 * 0.073 / 730


@pytest.fixture
def settings() -> Settings:
    context = json.loads((Path(__file__).parents[3] / "cdk.json").read_text())["context"]
    return replace(
        read_settings(context),
        primary_instance_types=("m5.xlarge",),
        worker_instance_types=("m6i.xlarge", "m5.xlarge", "m7i.xlarge"),
        core_count=1,
        task_count=4,
        spot_share=75,
    )


def test_counts_an_hour_node_by_node(settings: Settings) -> None:
    cost = hour_cost(settings, PRICES, spot=True)

    assert cost.nodes == (
        NodeCost("primary", 1, "m5.xlarge", ON_DEMAND, 0.2, 0.05, pytest.approx(DISK)),  # type: ignore[arg-type]
        NodeCost("core", 1, "m5.xlarge", ON_DEMAND, 0.2, 0.05, pytest.approx(DISK)),  # type: ignore[arg-type]
        NodeCost("task", 1, "m5.xlarge", ON_DEMAND, 0.2, 0.05, pytest.approx(DISK)),  # type: ignore[arg-type]
        NodeCost("task", 3, "m7i.xlarge", SPOT, 0.07, 0.01, pytest.approx(DISK)),  # type: ignore[arg-type]
    )
    assert cost.usd == pytest.approx(3 * 0.25 + 3 * 0.08 + 6 * DISK)
    assert cost.cores == 20
    assert cost.counts_disks


def test_an_hour_on_demand_has_no_spot(settings: Settings) -> None:
    cost = hour_cost(settings, PRICES, spot=False)

    assert {node.market for node in cost.nodes} == {ON_DEMAND}
    assert cost.usd == pytest.approx(6 * (0.25 + DISK))


def test_a_cluster_without_task_nodes_has_none(settings: Settings) -> None:
    cost = hour_cost(replace(settings, task_count=0), PRICES, spot=True)

    assert [node.role for node in cost.nodes] == ["primary", "core"]


def test_a_disk_costs_its_gib_by_the_month_of_730_hours() -> None:
    assert disk_usd_an_hour(PRICES) == pytest.approx(0.0084)


def test_leaves_out_disks_without_a_price(settings: Settings) -> None:
    cost = hour_cost(settings, replace(PRICES, gp3_gib_month=None), spot=False)

    assert cost.usd == pytest.approx(6 * 0.25)
    assert not cost.counts_disks


def test_the_cheapest_type_with_a_full_price_is_taken() -> None:
    types = ("m6i.xlarge", "m7i.xlarge", "m5.xlarge", "m8g.xlarge")

    assert cheapest(types, PRICES) == "m5.xlarge"
    assert cheapest(types, PRICES, SPOT) == "m7i.xlarge"
    assert cheapest(["m6i.xlarge"], PRICES) is None
    assert without_price(types, PRICES) == {"m6i.xlarge": "EMR", "m8g.xlarge": "EC2 and EMR"}


def test_no_fee_is_ever_computed_from_another(settings: Settings) -> None:
    with pytest.raises(PriceUnknownError) as raised:
        hour_cost(replace(settings, worker_instance_types=("m6i.xlarge",)), PRICES, spot=False)

    assert "m6i.xlarge" in raised.value.message
    assert "eu-west-1" in raised.value.message
    assert "EMR" in raised.value.message


def test_photos_cost_the_clusters_hours_and_their_requests(settings: Settings) -> None:
    # 20 cores at 50 photos a second are 1,000 a second: 3,600,000 photos take an hour, and 900 s come to it.
    cost = photos_cost(
        hour_cost(settings, PRICES, spot=False), Speed(50.0, 900.0, "a run"), 3_600_000, PRICES, 30, photo_kib=5
    )

    hour = 6 * (0.25 + DISK)
    assert (cost.start_hours, cost.job_hours, cost.hours) == (0.5, 1.25, 1.75)
    assert cost.cluster_usd == pytest.approx(1.75 * hour)
    assert cost.upload_usd == pytest.approx(3600 * 0.005)
    assert cost.requests_usd == pytest.approx(2 * 3600 * 0.0004 + 3.6 * 0.005)
    assert cost.usd == pytest.approx(1.75 * hour + 18 + 2.88 + 0.018)
    assert cost.storage_usd_a_month == pytest.approx(3_600_000 * 10 * 1024 / 2**30 * 0.02)


def test_shards_take_fewer_requests_than_photos(settings: Settings) -> None:
    cost = photos_cost(hour_cost(settings, PRICES, spot=False), BENCHMARK, 67_692, PRICES, 0, 5, shards=True)

    # 404 MB are six shards in eight parts each, with two more requests, and one in three parts
    assert cost.upload_usd == pytest.approx((6 * 10 + 5) * 0.005 / 1000)
    assert cost.requests_usd == pytest.approx((2 * (677 + 51) + 3 * 7) * 0.0004 / 1000 + 0.005 / 1000)


def test_what_has_no_price_in_s3_stays_unknown(settings: Settings) -> None:
    prices = replace(PRICES, thousand_writes=None, storage_gib_month=None)
    cost = photos_cost(hour_cost(settings, prices, spot=False), BENCHMARK, 1, prices, 0, 5)

    assert (cost.upload_usd, cost.requests_usd, cost.storage_usd_a_month) == (None, None, None)
    assert cost.usd == cost.cluster_usd


def test_a_node_is_billed_by_the_second_and_a_minute_at_least() -> None:
    node = Node("m5.xlarge", "ON_DEMAND", BEGIN, BEGIN + timedelta(seconds=90))

    assert hours_of(node, BEGIN) == 0.025
    assert hours_of(replace(node, end=BEGIN + timedelta(seconds=5)), BEGIN) == pytest.approx(60 / 3600)
    assert hours_of(replace(node, end=None), BEGIN + HOUR) == 1.0


def test_actual_cost_is_instance_hours_by_type_and_market() -> None:
    nodes = [
        Node("m5.xlarge", "ON_DEMAND", BEGIN, BEGIN + 2 * HOUR),
        Node("m5.xlarge", "ON_DEMAND", BEGIN, BEGIN + HOUR),
        Node("m5.xlarge", "SPOT", BEGIN, None),
    ]

    found = cost_of_nodes(nodes, PRICES, lambda *_: 0.06, now=BEGIN + 4 * HOUR)

    assert found == [
        NodesCost("m5.xlarge", SPOT, 1, 4.0, _near(0.24), _near(0.2), _near(4 * DISK)),
        NodesCost("m5.xlarge", ON_DEMAND, 2, 3.0, _near(0.6), _near(0.15), _near(3 * DISK)),
    ]
    assert found[0].usd == pytest.approx(0.44 + 4 * DISK)


def test_counts_spot_nodes_without_a_price_as_on_demand() -> None:
    nodes = [Node("m5.xlarge", "SPOT", BEGIN, BEGIN + HOUR)]

    found = cost_of_nodes(nodes, PRICES, lambda *_: None, now=BEGIN)

    assert found[0].ec2_usd == 0.2
    assert not found[0].spot_price_known


def test_a_run_has_its_share_of_the_node_hours() -> None:
    nodes = [Node("m5.xlarge", "SPOT", BEGIN, None), Node("m5.xlarge", "SPOT", BEGIN, BEGIN + HOUR)]

    assert share(nodes, BEGIN, BEGIN + HOUR, BEGIN + 3 * HOUR) == 0.5
    assert share([], BEGIN, BEGIN + HOUR, BEGIN) == 0.0


def _near(value: float) -> float:
    return pytest.approx(value)  # type: ignore[return-value]
