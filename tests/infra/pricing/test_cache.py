"""Tests of infra/pricing/cache.py: prices are asked of AWS once a day, and nothing depends on the file."""

from datetime import timedelta
from pathlib import Path

import pytest

from infra.pricing import cache
from infra.pricing.source import PriceSource
from infra.pricing.table import NodePrice, RegionPrices
from tests.infra.fake_price_list import NOW, FakeAws, FakePriceList

HOUR = timedelta(hours=1)
PRICES = RegionPrices("eu-west-1", {"m5.xlarge": NodePrice(0.214, 0.048, 0.09)}, gp3_gib_month=0.073)
WITHOUT_SPOT = RegionPrices("eu-west-1", {"m5.xlarge": NodePrice(0.214, 0.048)}, gp3_gib_month=0.073)


def test_reads_the_prices_that_were_written_but_for_spot(tmp_path: Path) -> None:
    cache.write(tmp_path / "new", PRICES, NOW)

    assert cache.read(tmp_path / "new", "eu-west-1", ["m5.xlarge"], NOW + HOUR) == (WITHOUT_SPOT, NOW)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["eu-west-1.json"]


@pytest.mark.parametrize(
    ("region", "types", "later"),
    [
        ("eu-west-3", ["m5.xlarge"], HOUR),
        ("eu-west-1", ["m5.xlarge", "m6i.xlarge"], HOUR),
        ("eu-west-1", ["m5.xlarge"], 25 * HOUR),
        ("eu-west-1", ["m5.xlarge"], -HOUR),
    ],
    ids=["another region", "another type", "a day old", "from the future"],
)
def test_other_prices_and_old_ones_are_not_taken(
    region: str, types: list[str], later: timedelta, tmp_path: Path
) -> None:
    cache.write(tmp_path, PRICES, NOW)

    assert cache.read(tmp_path, region, types, NOW + later) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"asked": "2026-11-20T12:00:00", "prices": {"nodes": {}}}'])
def test_a_damaged_file_is_as_good_as_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "eu-west-1.json").write_text(content)

    assert cache.read(tmp_path, "eu-west-1", [], NOW) is None


def test_prices_that_cannot_be_kept_are_asked_again(tmp_path: Path, price_list: FakePriceList) -> None:
    (tmp_path / "file").write_text("")
    source = PriceSource(FakeAws("eu-west-1", price_list), NOW, cache_folder=tmp_path / "file")

    assert source.of("eu-west-1", ["m5.xlarge"]).nodes["m5.xlarge"] == NodePrice(0.214, 0.048, 0.09)


def test_the_next_command_asks_for_spot_alone(tmp_path: Path, price_list: FakePriceList) -> None:
    first = PriceSource(FakeAws("eu-west-1", price_list), NOW - 20 * HOUR, cache_folder=tmp_path)
    told = first.of("eu-west-1", ["m5.xlarge"])
    before = price_list.asked

    second = PriceSource(FakeAws("eu-west-1", price_list), NOW, cache_folder=tmp_path)

    assert second.of("eu-west-1", ["m5.xlarge"]) == told
    assert price_list.asked == before + 1
    assert second.day == "2026-11-19"


def test_prices_lie_in_the_users_cache() -> None:
    assert cache.folder({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/orchard/prices")


def test_a_user_without_a_home_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)

    assert cache.folder({}) is None
