"""What a cluster did cost: the hours of its instances, by EMR's timeline, times the prices of today."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from infra.deploy.cost import ON_DEMAND, SPOT, disk_usd_an_hour, no_price
from infra.deploy.past_runs import Node
from infra.deploy.price_table import NodePrice, RegionPrices

LEAST_SECONDS = 60
"""EC2, EMR and EBS bill by the second and a minute at least."""


@dataclass(frozen=True)
class NodesSpent:
    """What instances of one type and market did cost.

    Attributes
    ----------
    instance_type, market
        The market is ``ON_DEMAND`` or ``SPOT``.
    count
        How many instances there were.
    hours
        Of all of them together.
    ec2_usd, emr_usd
        The instances, and EMR's fee.
    disk_usd
        Their disks; None where the price is not known.
    spot_price_known
        Whether the price on Spot was known; else ``ec2_usd`` is the price on demand, more than was paid.
    """

    instance_type: str
    market: str
    count: int
    hours: float
    ec2_usd: float
    emr_usd: float
    disk_usd: float | None
    spot_price_known: bool = True

    @property
    def usd(self) -> float:
        """All of it."""
        return self.ec2_usd + self.emr_usd + (self.disk_usd or 0.0)


def hours_of(node: Node, now: datetime) -> float:
    """Return the hours that an instance is billed for, until now where it still runs."""
    seconds = ((node.end or now) - node.begin).total_seconds()
    return max(seconds, LEAST_SECONDS) / 3600


def spent_on(
    nodes: Sequence[Node],
    prices: RegionPrices,
    spot_price: Callable[[str, datetime, datetime], float | None],
    now: datetime,
) -> list[NodesSpent]:
    """Return what the instances of a cluster did cost so far, by type and market.

    Parameters
    ----------
    nodes
        Every instance that the cluster had.
    prices
        Of the region.
    spot_price
        The mean Spot price of a type over a time in USD an hour, None where it is not known.
    now
        The time.

    Raises
    ------
    WrongUseError
        If a type that ran has no known price.
    """
    kinds: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        kinds.setdefault((node.instance_type, SPOT if node.market == "SPOT" else ON_DEMAND), []).append(node)
    return [_spent(kind, alike, prices, spot_price, now) for kind, alike in sorted(kinds.items())]


def share(nodes: Sequence[Node], begin: datetime, end: datetime, now: datetime) -> float:
    """Return which share of a cluster's instance hours fell into a time, 0 to 1."""
    every = sum(((node.end or now) - node.begin).total_seconds() for node in nodes)
    inside = sum(max(0.0, (min(node.end or now, end) - max(node.begin, begin)).total_seconds()) for node in nodes)
    return inside / every if every else 0.0


def _spent(
    kind: tuple[str, str],
    nodes: Sequence[Node],
    prices: RegionPrices,
    spot_price: Callable[[str, datetime, datetime], float | None],
    now: datetime,
) -> NodesSpent:
    name, market = kind
    known: Mapping[str, NodePrice] = prices.nodes
    price = known.get(name, NodePrice())
    if price.ec2 is None or price.emr is None:
        raise no_price([name], prices)
    hours = [hours_of(node, now) for node in nodes]
    paid = [spot_price(name, node.begin, node.end or now) if market == SPOT else price.ec2 for node in nodes]
    disk = disk_usd_an_hour(prices)
    return NodesSpent(
        name,
        market,
        len(nodes),
        sum(hours),
        sum(length * (price.ec2 if usd is None else usd) for length, usd in zip(hours, paid, strict=True)),
        sum(hours) * price.emr,
        None if disk is None else sum(hours) * disk,
        spot_price_known=None not in paid,
    )
