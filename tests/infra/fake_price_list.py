"""A fake of AWS' Price List API and of EC2's Spot prices, which moto does not have: it answers real clients of boto3.

It holds products and filters them as the API does; botocore still checks what is sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode

import boto3
from botocore.exceptions import EndpointConnectionError

from infra.aws.client import Aws

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class FakePriceList:
    """Products and Spot prices.

    Attributes
    ----------
    products
        Each with its service, its attributes and what it costs by the start of each tier.
    spot
        Type, zone, time and price.
    codes
        Which error AWS answers an operation with.
    answers
        After how many calls AWS is out of reach.
    asked
        How many calls there were.
    """

    products: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    spot: list[tuple[str, str, datetime, str]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    answers: int = 1_000_000
    asked: int = 0

    def add(self, service: str, attributes: Mapping[str, str], *, tiers: Mapping[str, str]) -> None:
        self.products.append((service, dict(attributes), dict(tiers)))

    def add_region(self, region: str, instance_type: str, ec2: str, emr: str, spot: str) -> None:
        """Add all that a cluster of one type in one region is priced by, and a product beside each."""
        linux = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}
        node = {"regionCode": region, "instanceType": instance_type}
        self.add("AmazonEC2", node | linux, tiers={"0": ec2})
        self.add("AmazonEC2", node | linux | {"operatingSystem": "Windows"}, tiers={"0": "9.9"})
        fee = {"productFamily": "Elastic Map Reduce Instance", "softwareType": "EMR"}
        self.add("ElasticMapReduce", node | fee, tiers={"0": emr})
        self.add("ElasticMapReduce", node | fee | {"softwareType": "MapR"}, tiers={"0": "9.9"})
        where = {"regionCode": region}
        self.add("AmazonEC2", where | {"productFamily": "Storage", "volumeApiName": "gp3"}, tiers={"0": "0.0730"})
        stored = {"productFamily": "Storage", "storageClass": "General Purpose", "volumeType": "Standard"}
        self.add("AmazonS3", where | stored, tiers={"0": "0.0230", "51200": "0.0220"})
        for tier, price in (("1", "0.000005"), ("2", "0.0000004")):
            request = {"productFamily": "API Request", "group": f"S3-API-Tier{tier}"}
            self.add("AmazonS3", where | request, tiers={"0": price})
        self.spot.append((instance_type, f"{region}a", NOW - timedelta(hours=5), spot))

    def answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.asked += 1
        if self.asked > self.answers:
            raise EndpointConnectionError(endpoint_url="https://api.pricing")
        if model.name in self.codes:
            error = {"Error": {"Code": self.codes[model.name], "Message": "No."}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=400), error
        found = self._get_products if model.name == "GetProducts" else self._spot_prices
        return SimpleNamespace(status_code=200), found(params)

    def _get_products(self, params: dict[str, Any]) -> dict[str, Any]:
        body = json.loads(params["body"])
        wanted = {each["Field"]: each["Value"] for each in body["Filters"]}
        return {
            "PriceList": [
                json.dumps(_product(service, attributes, tiers))
                for service, attributes, tiers in self.products
                if service == body["ServiceCode"] and wanted.items() <= attributes.items()
            ]
        }

    def _spot_prices(self, params: dict[str, Any]) -> dict[str, Any]:
        sent = parse_qs(urlencode(params["body"]))
        types = [value[0] for name, value in sent.items() if name.startswith("InstanceType.")]
        zone = sent.get("AvailabilityZone", [None])[0]
        return {
            "SpotPriceHistory": [
                {"InstanceType": name, "AvailabilityZone": where, "Timestamp": at, "SpotPrice": price}
                for name, where, at, price in self.spot
                if name in types and zone in (None, where)
            ]
        }


class FakeAws(Aws):
    """An account whose prices are a fake's; its other clients are boto3's own, for moto to answer."""

    def __init__(self, region: str, price_list: FakePriceList) -> None:
        super().__init__(region)
        self.price_list = price_list

    def client(self, service: str, region: str | None = None, attempts: int = 1) -> Any:
        del attempts
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        made: Any = boto3.client(service, region_name=region or self.region, **keys)  # type: ignore[call-overload]
        for operation in ("pricing.GetProducts", "ec2.DescribeSpotPriceHistory"):
            made.meta.events.register(f"before-call.{operation}", self.price_list.answer)
        return made


def _product(service: str, attributes: dict[str, str], tiers: dict[str, str]) -> dict[str, Any]:
    dimensions = {
        f"rate-{begin}": {"beginRange": begin, "pricePerUnit": {"USD": price}} for begin, price in tiers.items()
    }
    terms = {"OnDemand": {"term": {"priceDimensions": dimensions}}}
    return {"serviceCode": service, "product": {"attributes": attributes}, "terms": terms}
