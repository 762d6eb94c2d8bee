"""Ask AWS for prices, once a day and region: its Price List API and EC2's Spot prices; else use the dated table."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code, explained
from infra.pricing import cache
from infra.pricing.table import NodePrice, RegionPrices, table_date, table_prices
from job.errors import OrchardError

EC2 = "AmazonEC2"
EMR = "ElasticMapReduce"
S3 = "AmazonS3"

_NODE = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}
_FEE = {"productFamily": "Elastic Map Reduce Instance", "softwareType": "EMR"}
_GP3 = {"productFamily": "Storage", "volumeApiName": "gp3"}
_STORAGE = {"productFamily": "Storage", "storageClass": "General Purpose", "volumeType": "Standard"}
_WRITES = {"productFamily": "API Request", "group": "S3-API-Tier1"}
_READS = {"productFamily": "API Request", "group": "S3-API-Tier2"}


@dataclass
class PriceSource:
    """Where prices come from: AWS as long as it answers, else the table."""

    aws: Aws
    now: datetime  # the time for which Spot prices are asked, and the day of the prices
    offline: bool = False
    cache_folder: Path | None = None  # folder in which prices are kept between commands; None keeps none
    _trouble: str = field(default="", init=False)
    _asked: set[datetime] = field(default_factory=set, init=False)

    def of(self, region: str, instance_types: Iterable[str]) -> RegionPrices:
        """Return the prices of a region; unknown ones are None."""
        return self.of_all([region], instance_types)[region]

    def of_all(self, regions: Sequence[str], instance_types: Iterable[str]) -> dict[str, RegionPrices]:
        """Return the prices of regions, all of one origin; unknown ones are None.

        Once AWS has not answered it is not asked again: each attempt takes its time.
        """
        names = tuple(dict.fromkeys(instance_types))
        if not self.from_table:
            try:
                return {region: self._asked_prices(region, names) for region in regions}
            except OrchardError as error:
                self._trouble = error.message
        return {region: table_prices(region, names) for region in regions}

    @property
    def from_table(self) -> bool:
        """Whether prices come from the table."""
        return self.offline or bool(self._trouble)

    @property
    def origin(self) -> str:
        """Where the prices came from, in one sentence."""
        if not self.from_table:
            return f"Prices are from AWS, {self.day} (Price List API; EC2 for Spot)."
        why = self._trouble or "--offline was given."
        return f"Prices are from the table of this project, {table_date()}, without Spot. {why}"

    @property
    def day(self) -> str:
        """The day of the prices as YYYY-MM-DD, the oldest of several."""
        return table_date() if self.from_table else f"{min(self._asked, default=self.now):%Y-%m-%d}"

    def _asked_prices(self, region: str, names: Sequence[str]) -> RegionPrices:
        found = None if self.cache_folder is None else cache.read(self.cache_folder, region, names, self.now)
        if found is None:
            prices, asked = ask_prices(self.aws, region, names), self.now
            if self.cache_folder is not None:
                cache.write(self.cache_folder, prices, asked)
        else:
            prices, asked = found
        self._asked.add(asked)
        return with_spot(self.aws, prices, self.now)


def ask_prices(aws: Aws, region: str, instance_types: Sequence[str]) -> RegionPrices:
    """Return the prices of a region from AWS, without Spot prices."""
    # The API answers in a few regions only; one of them lies in the EU.
    client = aws.client("pricing", "eu-central-1" if region.startswith("eu-") else "us-east-1")

    def price(service: str, wanted: dict[str, str]) -> float | None:
        return _only_price(_products(client, service, {"regionCode": region} | wanted))

    with explained(f"ask AWS for prices in {region}"):
        paid = {
            name: (price(EC2, _NODE | {"instanceType": name}), price(EMR, _FEE | {"instanceType": name}))
            for name in instance_types
        }
        writes, reads = price(S3, _WRITES), price(S3, _READS)
        nodes = {name: NodePrice(ec2, emr) for name, (ec2, emr) in paid.items()}
        return RegionPrices(
            region,
            nodes,
            gp3_gib_month=price(EC2, _GP3),
            storage_gib_month=price(S3, _STORAGE),
            thousand_writes=None if writes is None else writes * 1000,
            thousand_reads=None if reads is None else reads * 1000,
        )


def with_spot(aws: Aws, prices: RegionPrices, now: datetime) -> RegionPrices:
    """Return prices of a region with those on Spot, of a time."""
    with explained(f"ask AWS for prices in {prices.region}"):
        spot = _spot_now(aws, prices.region, list(prices.nodes), now)
    nodes = {name: replace(price, spot=spot.get(name)) for name, price in prices.nodes.items()}
    return replace(prices, nodes=nodes)


def mean_spot_price(
    aws: Aws, region: str, instance_type: str, zone: str, begin: datetime, end: datetime
) -> float | None:
    """Return the mean Spot price of an instance over a time in USD an hour; None if AWS keeps none that old."""
    with explained(f"ask EC2 for past Spot prices of {instance_type}"):
        found = _spot_history(aws, region, [instance_type], begin, end, AvailabilityZone=zone)
    points = [(point["Timestamp"], float(point["SpotPrice"])) for point in found]
    return mean_over(points, begin, end)


def mean_over(points: Iterable[tuple[datetime, float]], begin: datetime, end: datetime) -> float | None:
    """Return the mean of a price over a time, each price lasting until the next; None without a price.

    Before the first price the first one counts: EC2 reports changes, and the one before may be left out.
    """
    ordered = sorted(point for point in points if point[0] <= end)
    if not ordered:
        return None
    before = [price for at, price in ordered if at <= begin]
    steps = [(begin, before[-1] if before else ordered[0][1]), *[point for point in ordered if point[0] > begin]]
    length = (end - begin).total_seconds()
    if length <= 0:
        return steps[0][1]
    lasting = pairwise([*[at for at, _ in steps], end])
    return (
        sum((until - at).total_seconds() * step[1] for (at, until), step in zip(lasting, steps, strict=True)) / length
    )


_NO_SPOT_PRICES = ("AuthFailure", "OptInRequired", "UnauthorizedOperation")
"""Codes of EC2 for a region that is not enabled, and for a missing permission."""


def _spot_now(aws: Aws, region: str, instance_types: Sequence[str], now: datetime) -> dict[str, float]:
    """Return the current Spot price by type, the mean of the region's zones: EMR chooses the zone.

    Empty where the region is not enabled in this account, or the permission is missing.
    """
    try:
        points = _spot_history(aws, region, instance_types, now, now)
    except ClientError as error:
        if error_code(error) not in _NO_SPOT_PRICES:
            raise
        return {}
    found: dict[str, dict[str, tuple[datetime, float]]] = {}
    for point in points:
        zones = found.setdefault(point["InstanceType"], {})
        at, price = point["Timestamp"].astimezone(UTC), float(point["SpotPrice"])
        zones[point["AvailabilityZone"]] = max(zones.get(point["AvailabilityZone"], (at, price)), (at, price))
    return {name: fmean(price for _, price in zones.values()) for name, zones in found.items()}


def _spot_history(
    aws: Aws, region: str, instance_types: Sequence[str], begin: datetime, end: datetime, **chosen: str
) -> list[dict[str, Any]]:
    pages = (
        aws.client("ec2", region)
        .get_paginator("describe_spot_price_history")
        .paginate(
            InstanceTypes=list(instance_types),
            ProductDescriptions=["Linux/UNIX"],
            StartTime=begin,
            EndTime=end,
            **chosen,
        )
    )
    return [point for page in pages for point in page["SpotPriceHistory"]]


def _products(client: Any, service: str, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    for page in client.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters):
        for product in page["PriceList"]:
            yield json.loads(product)


def _only_price(products: Iterable[dict[str, Any]]) -> float | None:
    """Return the one price on demand of the first tier in USD; None if there is none, or if several differ."""
    found = {
        float(dimension["pricePerUnit"]["USD"])
        for product in products
        for term in product["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if dimension.get("beginRange", "0") == "0" and "USD" in dimension["pricePerUnit"]
    }
    # Products that cost nothing by themselves, such as reservations, are listed along with the wanted one.
    found.discard(0.0)
    return found.pop() if len(found) == 1 else None
