"""Compute what a cluster costs an hour, and a run over photos, from settings, prices and a speed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from infra.emr import DISK_GIB, INSTANCE_TYPES, ROOT_DISK_GIB, task_capacity
from infra.errors import PriceUnknownError, WrongUseError
from infra.pricing.speed import Speed
from infra.pricing.table import NodePrice, RegionPrices
from infra.settings import Settings
from infra.standing_cost import HOURS_A_MONTH
from infra.upload import SHARD_SIZE, requests_of

FEATURE_BYTES = 4 * 1280
"""Of one photo, written as 32-bit floats; the default backbone makes 1280 of them."""

KEYS_A_LISTING = 1000
"""Objects that S3 names in one LIST request."""

REQUESTS_A_PHOTO = 2
"""A HEAD and a GET: how pyarrow opens an object in S3. Both are billed as reads."""

PHOTOS_A_STRETCH = 100
"""Photos that a task reads together from a shard with a HEAD and a GET, at least: most tasks have more."""

STRETCH_BYTES = 8_000_000
"""What a task reads of a shard at once, at most."""

IN_TAR_BYTES = 850
"""What a photo takes in a shard besides its content: 512 of header, 256 of padding on average, its row of the index."""

_OTHER_TYPE = (
    "Sign in to AWS (aws sso login), so that its Price List API can be asked; or choose another --type or --region."
)

ON_DEMAND = "on demand"
SPOT = "Spot"


@dataclass(frozen=True)
class NodeCost:
    """What nodes of one role cost, each, in USD an hour."""

    role: str  # primary, core or task
    count: int
    instance_type: str
    market: str  # ``ON_DEMAND`` or ``SPOT``
    ec2: float  # the instance
    emr: float  # EMR's fee
    disk: float | None  # its gp3 disks; None where the price is not known, and then not counted

    @property
    def together(self) -> float:
        """All nodes of the role."""
        return self.count * (self.ec2 + self.emr + (self.disk or 0.0))


@dataclass(frozen=True)
class HourCost:
    """What a cluster costs, in USD an hour, node by node."""

    nodes: tuple[NodeCost, ...]

    @property
    def usd(self) -> float:
        """The whole cluster, an hour."""
        return sum(node.together for node in self.nodes)

    @property
    def cores(self) -> int:
        """Virtual CPUs of core and task nodes: the job runs one task on each."""
        workers = [node for node in self.nodes if node.role != "primary"]
        return sum(node.count * INSTANCE_TYPES[node.instance_type].virtual_cpus for node in workers)

    @property
    def counts_disks(self) -> bool:
        """Whether the disks' price was known."""
        return all(node.disk is not None for node in self.nodes)


@dataclass(frozen=True)
class PhotosCost:
    """What a run over photos takes: hours of the cluster, and USD."""

    start_hours: float  # until the cluster is ready
    job_hours: float
    start_usd: float
    job_usd: float
    upload_usd: float | None  # None where the price is not known
    requests_usd: float | None  # the job's reads and listing; None where the price is not known
    storage_usd_a_month: float | None  # photos and features in S3 Standard; None where the price is not known

    @property
    def hours(self) -> float:
        """The cluster's life, where it ends with the run."""
        return self.start_hours + self.job_hours

    @property
    def cluster_usd(self) -> float:
        """The cluster alone."""
        return self.start_usd + self.job_usd

    @property
    def usd(self) -> float:
        """Upload and run, without the storage; what has no known price is not in it."""
        return self.cluster_usd + (self.upload_usd or 0.0) + (self.requests_usd or 0.0)


def disk_usd_an_hour(prices: RegionPrices) -> float | None:
    """Return what the root and data disk of one node cost in USD an hour, None if not known."""
    if prices.gp3_gib_month is None:
        return None
    return (ROOT_DISK_GIB + DISK_GIB) * prices.gp3_gib_month / HOURS_A_MONTH


def types_of(settings: Settings) -> tuple[str, ...]:
    """Return the instance types that a cluster may be made of, each once."""
    return tuple(dict.fromkeys([*settings.primary_instance_types, *settings.worker_instance_types]))


def cheapest(instance_types: Sequence[str], prices: RegionPrices, market: str = ON_DEMAND) -> str | None:
    """Return which of several types costs least with EMR's fee: the one EMR takes. None if no price is known."""

    def usd(name: str) -> float | None:
        price = prices.nodes.get(name, NodePrice())
        return price.on_spot if market == SPOT else price.on_demand

    known = {name: found for name in instance_types if (found := usd(name)) is not None}
    return min(known, key=lambda name: known[name]) if known else None


def spot_known(settings: Settings, prices: RegionPrices) -> bool:
    """Return whether a Spot price is known of a type of the task nodes."""
    return cheapest(settings.worker_instance_types, prices, SPOT) is not None


def hour_cost(settings: Settings, prices: RegionPrices, *, spot: bool = True) -> HourCost:
    """Return what the cluster of these settings costs an hour, at the size it starts with.

    Without ``spot``, or if no Spot price is known, all of its nodes are counted as on demand.
    """
    task = task_capacity(settings.task_count, settings.spot_share if spot and spot_known(settings, prices) else 0)
    fleets = [
        ("primary", 1, settings.primary_instance_types, ON_DEMAND),
        ("core", settings.core_count, settings.worker_instance_types, ON_DEMAND),
        ("task", task.on_demand, settings.worker_instance_types, ON_DEMAND),
        ("task", task.spot, settings.worker_instance_types, SPOT),
    ]
    return HourCost(tuple(_node_cost(*fleet, prices) for fleet in fleets if fleet[1]))


def photos_cost(
    hour: HourCost,
    speed: Speed,
    photos: int,
    prices: RegionPrices,
    start_minutes: float,
    photo_kib: float,
    *,
    shards: bool = False,
) -> PhotosCost:
    """Return what a run over photos takes on a cluster that starts for it and ends with it.

    Parameters
    ----------
    start_minutes
        Minutes until the cluster is ready; billed in full, though nodes start one after another.
    photo_kib
        Mean size of a photo in KiB, for the storage.
    shards
        Whether the photos are in shards, not single objects.
    """
    start = start_minutes / 60
    job = speed.seconds(photos, hour.cores) / 3600
    puts, gets, listings = photos, photos * REQUESTS_A_PHOTO, -(-photos // KEYS_A_LISTING)
    if shards:
        puts, gets, listings = _requests_in_shards(photos, photo_kib * 1024)
    stored_gib = photos * (photo_kib * 1024 + FEATURE_BYTES) / 2**30
    writes, reads, storage = prices.thousand_writes, prices.thousand_reads, prices.storage_gib_month
    return PhotosCost(
        start_hours=start,
        job_hours=job,
        start_usd=start * hour.usd,
        job_usd=job * hour.usd,
        upload_usd=None if writes is None else puts * writes / 1000,
        requests_usd=None if writes is None or reads is None else (gets * reads + listings * writes) / 1000,
        storage_usd_a_month=None if storage is None else stored_gib * storage,
    )


def _requests_in_shards(photos: int, photo_bytes: float) -> tuple[int, int, int]:
    """Return the requests that send photos in shards, read them, and list the shards."""
    size = ceil(photos * (photo_bytes + IN_TAR_BYTES))
    whole, rest = divmod(size, SHARD_SIZE)
    count = whole + (rest > 0)
    puts = whole * requests_of(SHARD_SIZE) + (requests_of(rest) if rest else 0)
    stretches = ceil(photos / PHOTOS_A_STRETCH) + ceil(size / STRETCH_BYTES)
    # Finding a shard's index takes two HEADs and a GET.
    return puts, REQUESTS_A_PHOTO * stretches + 3 * count, ceil(count / KEYS_A_LISTING)


def without_price(instance_types: Sequence[str], prices: RegionPrices) -> Mapping[str, str]:
    """Return which types have no full price on demand, and what of it is missing."""
    missing = {}
    for name in dict.fromkeys(instance_types):
        price = prices.nodes.get(name, NodePrice())
        parts = [part for part, usd in (("EC2", price.ec2), ("EMR", price.emr)) if usd is None]
        if parts:
            missing[name] = " and ".join(parts)
    return missing


def no_price(instance_types: Sequence[str], prices: RegionPrices, hint: str = _OTHER_TYPE) -> WrongUseError:
    """Return the error for types of which none has a known price."""
    names = " or ".join(dict.fromkeys(instance_types))
    missing = without_price(instance_types, prices)
    parts = f" ({', '.join(f'{name}: none for {part}' for name, part in missing.items())})" if missing else ""
    return PriceUnknownError(f"No complete price is known for {names} {ON_DEMAND} in {prices.region}{parts}.", hint)


def _node_cost(role: str, count: int, instance_types: Sequence[str], market: str, prices: RegionPrices) -> NodeCost:
    name = cheapest(instance_types, prices, market)
    if name is None:
        raise no_price(instance_types, prices)
    price = prices.nodes[name]
    ec2 = price.spot if market == SPOT else price.ec2
    assert ec2 is not None  # noqa: S101 - cheapest() names types with full prices only
    assert price.emr is not None  # noqa: S101
    return NodeCost(role, count, name, market, ec2, price.emr, disk_usd_an_hour(prices))
