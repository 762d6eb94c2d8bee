"""The prices of a region, and the dated table that is used when AWS cannot be asked.

Every figure of the table, ``prices.json``, names its source. A figure without a source is an estimate, marked as such
(decision 0147).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.emr import INSTANCE_TYPES

TABLE = Path(__file__).with_name("prices.json")

ESTIMATES = ("quarter", "as-paris", "as-ireland")
"""Sources of the table that are estimates."""

_VIRTUAL_CPUS_OF_XLARGE = 4
_FEE_REGION = "us-east-1"


@dataclass(frozen=True)
class NodePrice:
    """What one instance costs, in USD an hour; None where it is not known."""

    ec2: float | None = None
    emr: float | None = None  # EMR's fee, the same on Spot
    spot: float | None = None
    emr_estimated: bool = False  # whether ``emr`` is an estimate

    @property
    def on_demand(self) -> float | None:
        """EC2 and EMR together, None where either is not known."""
        return None if self.ec2 is None or self.emr is None else self.ec2 + self.emr

    @property
    def on_spot(self) -> float | None:
        """Spot and EMR together, None where either is not known."""
        return None if self.spot is None or self.emr is None else self.spot + self.emr


@dataclass(frozen=True)
class RegionPrices:
    """Prices of one region in USD; None where one is not known."""

    region: str
    nodes: Mapping[str, NodePrice]
    gp3_gib_month: float | None = None  # a gp3 volume, a GiB and month
    # S3 Standard, first tier, a GiB and month (AWS writes GB and counts 2^30 bytes)
    storage_gib_month: float | None = None
    thousand_writes: float | None = None  # a thousand PUT, COPY, POST or LIST requests to S3
    thousand_reads: float | None = None  # a thousand GET requests to S3
    disks_estimated: bool = False  # whether ``gp3_gib_month`` is an estimate
    s3_estimated: bool = False  # whether the prices of S3 are estimates


def table_date() -> str:
    """Return the day of the table as YYYY-MM-DD."""
    return str(_table()["as_of"])


def table_prices(region: str, instance_types: Iterable[str]) -> RegionPrices:
    """Return what the table knows of a region. It has no Spot prices: those change all the time."""
    table = _table()
    gp3, s3 = table["gp3_usd_a_gib_and_month"].get(region, {}), table["s3_usd"].get(region, {})
    return RegionPrices(
        region,
        {name: _node_price(region, name) for name in instance_types},
        gp3_gib_month=gp3.get("price"),
        storage_gib_month=s3.get("storage_gib_month"),
        thousand_writes=s3.get("thousand_writes"),
        thousand_reads=s3.get("thousand_reads"),
        disks_estimated=gp3.get("source") in ESTIMATES,
        s3_estimated=s3.get("source") in ESTIMATES,
    )


def _node_price(region: str, instance_type: str) -> NodePrice:
    ec2 = _ec2(region, instance_type)
    fees = _table()["emr_usd_an_hour"]
    sourced = fees["sourced"]["prices"].get(instance_type)
    reference = _ec2(_FEE_REGION, instance_type)
    if ec2 is None or sourced is not None or reference is None:
        return NodePrice(ec2, sourced)
    return NodePrice(ec2, round(fees["estimated"]["share_of_us_east_1"] * reference, 5), emr_estimated=True)


def _ec2(region: str, instance_type: str) -> float | None:
    """Return EC2's price on demand: within a family, sizes cost in proportion to their virtual CPUs."""
    family = instance_type.partition(".")[0]
    xlarge: float | None = _table()["ec2_xlarge_usd_an_hour"]["families"].get(family, {}).get(region)
    if xlarge is None or instance_type not in INSTANCE_TYPES:
        return None
    return round(xlarge * INSTANCE_TYPES[instance_type].virtual_cpus / _VIRTUAL_CPUS_OF_XLARGE, 5)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
