"""Tests of infra/pricing/source.py and table.py: where prices come from, and what is said of it."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from infra.aws.client import Aws
from infra.emr.instance_types import INSTANCE_TYPES
from infra.pricing.source import PriceSource, ask_prices, mean_over, mean_spot_price, with_spot
from infra.pricing.table import ESTIMATES, TABLE, NodePrice, RegionPrices, table_date, table_prices
from infra.settings import EU_REGIONS
from tests.infra.fake_price_list import NOW, FakeAws, FakePriceList

BEGIN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_aws_tells_every_price_of_a_region(price_list: FakePriceList) -> None:
    prices = ask_prices(FakeAws("eu-west-1", price_list), "eu-west-1", ["m5.xlarge"])

    assert prices == RegionPrices(
        "eu-west-1",
        {"m5.xlarge": NodePrice(ec2=0.214, emr=0.048)},
        gp3_gib_month=0.073,
        storage_gib_month=0.023,
        thousand_writes=pytest.approx(0.005),  # type: ignore[arg-type]
        thousand_reads=pytest.approx(0.0004),  # type: ignore[arg-type]
    )


def test_a_type_that_the_list_does_not_name_has_no_price(price_list: FakePriceList) -> None:
    prices = ask_prices(FakeAws("eu-west-1", price_list), "eu-west-1", ["m8g.xlarge"])

    assert prices.nodes == {"m8g.xlarge": NodePrice()}


def test_two_prices_for_the_same_thing_are_no_price(price_list: FakePriceList) -> None:
    price_list.add_region("eu-west-1", "m5.xlarge", ec2="0.3", emr="0.048", spot="0.09")

    prices = ask_prices(FakeAws("eu-west-1", price_list), "eu-west-1", ["m5.xlarge"])

    assert prices.nodes["m5.xlarge"].ec2 is None
    assert prices.nodes["m5.xlarge"].emr == 0.048


def test_spot_is_the_mean_of_the_zones_each_at_its_newest_price(price_list: FakePriceList) -> None:
    price_list.spot += [
        ("m5.xlarge", "eu-west-1a", NOW - 9 * HOUR, "0.5"),
        ("m5.xlarge", "eu-west-1b", NOW - HOUR, "0.11"),
    ]

    prices = with_spot(FakeAws("eu-west-1", price_list), table_prices("eu-west-1", ["m5.xlarge"]), NOW)

    assert prices.nodes["m5.xlarge"].spot == pytest.approx(0.10)


def test_a_source_that_aws_answers_says_so(price_list: FakePriceList) -> None:
    source = PriceSource(FakeAws("eu-west-1", price_list), NOW)

    assert source.of("eu-west-1", ["m5.xlarge"]).nodes["m5.xlarge"].spot == 0.09
    assert not source.from_table
    assert source.day == "2026-11-20"
    assert " 2026-11-20 " in source.origin


@pytest.mark.usefixtures("no_credentials")
def test_uses_the_table_without_credentials() -> None:
    source = PriceSource(Aws("eu-west-1"), NOW)

    prices = source.of("eu-west-1", ["m5.xlarge"])

    assert prices.nodes["m5.xlarge"] == NodePrice(ec2=0.214, emr=0.048)
    assert source.from_table
    assert f" {table_date()}," in source.origin
    assert "credentials" in source.origin


def test_without_permission_asks_aws_only_once(price_list: FakePriceList) -> None:
    price_list.codes["GetProducts"] = "AccessDeniedException"
    source = PriceSource(FakeAws("eu-west-1", price_list), NOW)

    source.of("eu-west-1", ["m5.xlarge"])
    asked = price_list.asked
    source.of("eu-west-3", ["m5.xlarge"])

    assert price_list.asked == asked
    assert source.from_table
    assert "GetProducts" in source.origin


def test_without_a_network_the_dated_table_answers() -> None:
    source = PriceSource(FakeAws("eu-west-1", FakePriceList(answers=0)), NOW)

    assert source.of("eu-west-1", ["m5.xlarge"]).gp3_gib_month == 0.088
    assert "EndpointConnectionError" in source.origin


def test_regions_that_are_compared_have_prices_of_one_origin(price_list: FakePriceList) -> None:
    # Given a network that goes away between the regions; AWS says 0.0730 for disks, the table 0.088.
    price_list.answers = 7

    prices = PriceSource(FakeAws("eu-west-1", price_list), NOW).of_all(["eu-west-1", "eu-west-3"], ["m5.xlarge"])

    assert [each.gp3_gib_month for each in prices.values()] == [0.088, 0.0928]


def test_uses_aws_prices_without_those_of_spot(price_list: FakePriceList) -> None:
    price_list.codes["DescribeSpotPriceHistory"] = "AuthFailure"
    source = PriceSource(FakeAws("eu-west-1", price_list), NOW)

    assert source.of("eu-west-1", ["m5.xlarge"]).nodes["m5.xlarge"] == NodePrice(ec2=0.214, emr=0.048)
    assert not source.from_table


def test_another_failure_of_spot_prices_is_the_reason(price_list: FakePriceList) -> None:
    price_list.codes["DescribeSpotPriceHistory"] = "InvalidParameterValue"
    source = PriceSource(FakeAws("eu-west-1", price_list), NOW)

    source.of("eu-west-1", ["m5.xlarge"])

    assert source.from_table
    assert "InvalidParameterValue" in source.origin


def test_offline_asks_nothing(price_list: FakePriceList) -> None:
    source = PriceSource(FakeAws("eu-west-1", price_list), NOW, offline=True)

    source.of("eu-west-1", ["m5.xlarge"])

    assert price_list.asked == 0
    assert source.from_table
    assert "--offline" in source.origin


def test_the_table_has_the_five_published_regions() -> None:
    found = {
        region: table_prices(region, ["m5.xlarge"]).nodes["m5.xlarge"].ec2
        for region in ("eu-west-3", "eu-west-1", "eu-central-1", "eu-west-2", "eu-north-1")
    }

    assert found == {
        "eu-west-3": 0.224,
        "eu-west-1": 0.214,
        "eu-central-1": 0.23,
        "eu-west-2": 0.222,
        "eu-north-1": 0.204,
    }


NOT_OFFERED = {
    "eu-north-1": {"m5a"},
    "eu-south-1": {"m7i", "c7i", "m7g", "m8g", "c8g", "r8g"},
    "eu-south-2": {"m5a", "m6i", "c6i", "r6i"},
    "eu-west-3": {"c8g", "r8g"},
}
"""Families for which the catalog names no price."""


@pytest.mark.parametrize("region", [*EU_REGIONS, "eu-west-2"])
def test_prices_every_type_in_every_region(region: str) -> None:
    prices = table_prices(region, INSTANCE_TYPES)
    unknown = {name.partition(".")[0] for name, price in prices.nodes.items() if price.on_demand is None}
    assert unknown == NOT_OFFERED.get(region, set())
    assert None not in (prices.gp3_gib_month, prices.storage_gib_month, prices.thousand_writes, prices.thousand_reads)


def test_fees_without_a_source_are_marked() -> None:
    nodes = table_prices("eu-west-1", ["m5.xlarge", "m6i.xlarge", "m5.8xlarge"]).nodes
    assert nodes["m5.xlarge"] == NodePrice(ec2=0.214, emr=0.048)
    # A quarter of 0.192 and 1.536 USD, EC2's prices in us-east-1.
    assert nodes["m6i.xlarge"] == NodePrice(ec2=0.214, emr=0.048, emr_estimated=True)
    assert nodes["m5.8xlarge"] == NodePrice(ec2=1.712, emr=0.384, emr_estimated=True)


def test_disks_and_s3_without_a_source_are_marked() -> None:
    found = {region: table_prices(region, []) for region in ("eu-west-1", "eu-north-1", "eu-south-1")}
    assert [(each.disks_estimated, each.s3_estimated) for each in found.values()] == [
        (False, False),
        (False, True),
        (True, True),
    ]


def test_a_region_outside_the_table_has_no_prices() -> None:
    prices = table_prices("sa-east-1", ["m5.xlarge"])
    assert (prices.nodes["m5.xlarge"].ec2, prices.gp3_gib_month, prices.thousand_writes) == (None, None, None)


def test_every_figure_of_the_table_names_a_source() -> None:
    table = json.loads(TABLE.read_text())
    named = {table["ec2_xlarge_usd_an_hour"]["source"]}
    named |= {entry["source"] for entry in table["emr_usd_an_hour"].values()}
    for part in ("gp3_usd_a_gib_and_month", "s3_usd"):
        named |= {entry["source"] for entry in table[part].values()}

    assert named == set(table["sources"])
    estimates = {name for name, text in table["sources"].items() if text.startswith("Estimate: ")}
    assert estimates == set(ESTIMATES)
    assert all(re.search(r"20\d\d", text) for name, text in table["sources"].items() if name not in estimates)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([(BEGIN - HOUR, 0.1)], 0.1),
        ([(BEGIN - 2 * HOUR, 0.9), (BEGIN - HOUR, 0.1), (BEGIN + HOUR, 0.2)], 0.175),
        ([(BEGIN + HOUR, 0.2)], 0.2),
        ([(BEGIN - HOUR, 0.1), (BEGIN + 9 * HOUR, 5.0)], 0.1),
    ],
)
def test_a_mean_price_weighs_each_price_by_how_long_it_stood(
    points: list[tuple[datetime, float]], expected: float | None
) -> None:
    assert mean_over(points, BEGIN, BEGIN + 4 * HOUR) == (None if expected is None else pytest.approx(expected))


def test_past_spot_prices_are_those_of_the_zone_where_a_node_ran() -> None:
    price_list = FakePriceList(
        spot=[
            ("m5.xlarge", "eu-west-1a", BEGIN - HOUR, "0.10"),
            ("m5.xlarge", "eu-west-1a", BEGIN + HOUR, "0.20"),
            ("m5.xlarge", "eu-west-1b", BEGIN, "7"),
        ]
    )

    mean = mean_spot_price(
        FakeAws("eu-west-1", price_list), "eu-west-1", "m5.xlarge", "eu-west-1a", BEGIN, BEGIN + 2 * HOUR
    )

    assert mean == pytest.approx(0.15)
