"""Format the tables and sentences of ``orchard cost``."""

from collections.abc import Sequence

from infra.commands.output.tables import in_columns
from infra.pricing import NodesCost, RegionPrices
from infra.pricing.estimate import HourCost, PhotosCost
from infra.settings import Settings
from infra.standing_cost import standing_costs

UNKNOWN = "-"

_NETWORK_NOT_COUNTED = {
    "private": "interface endpoints",
    "private-nat": "the NAT gateway",
    "public": "public IPv4 addresses",
}


def clock(hours: float) -> str:
    """Return a time as h:mm:ss."""
    seconds = round(hours * 3600)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def usd(amount: float | None, digits: int = 4) -> str:
    """Return an amount with a number of decimals, or a dash if it is not known."""
    return UNKNOWN if amount is None else f"{amount:,.{digits}f}"


def hour_lines(cost: HourCost) -> list[str]:
    """Return the table of a cluster's hour."""
    rows = [["role", "type", "market", "nodes", "EC2", "EMR", "disks", "total"]]
    rows += [
        [
            *(node.role, node.instance_type, node.market, str(node.count)),
            *(usd(node.ec2), usd(node.emr), usd(node.disk), usd(node.together)),
        ]
        for node in cost.nodes
    ]
    rows.append(["all", *[""] * 6, usd(cost.usd)])
    return in_columns(rows, text_columns=3)


def photos_lines(cost: PhotosCost, *, shards: bool = False) -> list[str]:
    """Return the table of a run over photos."""
    rows = [
        ["", "h:mm:ss", "USD"],
        [f"upload, {'in shards' if shards else 'one PUT per photo'}", "", usd(cost.upload_usd, 3)],
        ["start of the cluster", clock(cost.start_hours), usd(cost.start_usd, 3)],
        ["the job", clock(cost.job_hours), usd(cost.job_usd, 3)],
        ["its requests to S3", "", usd(cost.requests_usd, 3)],
        ["all", clock(cost.hours), usd(cost.usd, 3)],
        ["storage in S3, per month", "", usd(cost.storage_usd_a_month, 3)],
    ]
    return in_columns(rows)


def actual_lines(actual_cost: Sequence[NodesCost]) -> list[str]:
    """Return the table of the actual cost of a cluster."""
    rows = [["type", "market", "nodes", "node hours", "EC2", "EMR", "disks", "total"]]
    rows += [
        [
            *(each.instance_type, each.market, str(each.count), f"{each.hours:,.2f}"),
            *(usd(each.ec2_usd, 3), usd(each.emr_usd, 3), usd(each.disk_usd, 3), usd(each.usd, 3)),
        ]
        for each in actual_cost
    ]
    rows.append(["all", "", "", "", "", "", "", usd(sum(each.usd for each in actual_cost), 3)])
    return in_columns(rows, text_columns=2)


def not_counted(settings: Settings, unknown: Sequence[str], also: Sequence[str] = ()) -> str:
    """Return a sentence on what the amounts do not include: ``also``, and ``unknown``, which has no known price."""
    parts = ["tax", _NETWORK_NOT_COUNTED[settings.network], "keys and secrets", "logs", "data sent out of AWS", *also]
    left_out = f"Not counted: {', '.join(parts)}."
    return f"{left_out} Not counted because the price is unknown: {', '.join(unknown)}." if unknown else left_out


def standing_line(settings: Settings) -> str:
    """Return what OrchardCluster costs a month without a running cluster."""
    costs = standing_costs(settings)
    parts = ", ".join(f"{name} {amount:.2f}" for name, amount in costs.items())
    return (
        f"Until OrchardCluster is destroyed, it costs about {sum(costs.values()):.2f} USD a month even after its "
        f"cluster has ended: {parts}."
    )


def estimated_line(prices: RegionPrices, cost: HourCost) -> str:
    """Return which prices are estimates; empty where none is."""
    fees = [node.instance_type for node in cost.nodes if prices.nodes[node.instance_type].emr_estimated]
    parts = [f"EMR's fee for {name}" for name in dict.fromkeys(fees)]
    parts += ["disks"] if prices.disks_estimated else []
    parts += ["S3"] if prices.s3_estimated else []
    return f"Estimated, because the table has no source for it: {', '.join(parts)}." if parts else ""
