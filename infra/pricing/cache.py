"""The price cache: keeps prices on this machine for a day, so that not every command asks AWS for them again.

Prices are public and the same in every account. Spot prices are not kept, because they change all the time.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

from infra.pricing.table import NodePrice, RegionPrices
from job.errors import NotWrittenError
from job.storage import cache_folder, write_bytes

LONGEST_AGE = timedelta(days=1)


def folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where prices are kept: in this user's cache; None for a user without a home."""
    try:
        return cache_folder(environment).parent / "prices"
    except RuntimeError:
        return None


def read(
    cache: Path, region: str, instance_types: Iterable[str], now: datetime
) -> tuple[RegionPrices, datetime] | None:
    """Return the prices of a region, without Spot, and when AWS was asked; None unless all are there and of today.

    Parameters
    ----------
    instance_types
        Nodes that must have been asked for.
    """
    try:
        content = json.loads(_file(cache, region).read_text(encoding="utf-8"))
        asked = datetime.fromisoformat(content["asked"])
        prices = dict(content["prices"])
        nodes = {name: NodePrice(**price) for name, price in prices.pop("nodes").items()}
        # A damaged file, or one of another version, counts as missing.
        found = RegionPrices(**prices, nodes=nodes)
        # A time to come is a clock that was set back.
        young = timedelta(0) <= now - asked <= LONGEST_AGE
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return (found, asked) if young and set(instance_types) <= set(nodes) else None


def write(cache: Path, prices: RegionPrices, asked: datetime) -> None:
    """Keep the prices of a region; where that cannot be done, the next command asks again."""
    without_spot = replace(prices, nodes={name: replace(price, spot=None) for name, price in prices.nodes.items()})
    content = json.dumps({"asked": asked.isoformat(), "prices": asdict(without_spot)}, indent=1)
    with suppress(NotWrittenError):
        write_bytes(str(_file(cache, prices.region).absolute()), content.encode())


def _file(cache: Path, region: str) -> Path:
    return cache / f"{region}.json"
