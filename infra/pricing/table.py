"""The prices of a region, and the dated table that is used when AWS cannot be asked.

Every figure of the table names its source in ``prices.json``. What could not be sourced is not in it and stays
unknown: EMR's fee for a type cannot be computed from another type's (decision 0030).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class NodePrice:
    """What one instance costs, in USD an hour; None where it is not known."""

    ec2: float | None = None
    emr: float | None = None  # EMR's fee for it, the same on Spot
    spot: float | None = None

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


def table_date() -> str:
    """Return the day of which the table is, as YYYY-MM-DD."""
    return str(_table()["as_of"])


def table_prices(region: str, instance_types: Iterable[str]) -> RegionPrices:
    """Return what the table knows of a region. It holds no Spot prices: those change all the time."""
    table = _table()
    gp3, s3 = table["gp3_usd_a_gib_and_month"].get(region, {}), table["s3_usd"].get(region, {})
    return RegionPrices(
        region,
        {
            name: NodePrice(
                table["ec2_usd_an_hour"].get(name, {}).get("prices", {}).get(region),
                table["emr_usd_an_hour"].get(name, {}).get("price"),
            )
            for name in instance_types
        },
        gp3_gib_month=gp3.get("price"),
        storage_gib_month=s3.get("storage_gib_month"),
        thousand_writes=s3.get("thousand_writes"),
        thousand_reads=s3.get("thousand_reads"),
    )


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
