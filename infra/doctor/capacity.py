"""Check vCPU quotas and the instance types of the zones against the settings."""

from collections.abc import Sequence
from typing import NamedTuple

from botocore.exceptions import ClientError

from infra.aws import error_code
from infra.doctor.finding import Account, Finding, failure, ok, warning
from infra.doctor.region import available
from infra.emr import INSTANCE_TYPES, task_capacity
from infra.settings import Settings

ON_DEMAND_QUOTA, SPOT_QUOTA = "L-1216C47A", "L-34B43A08"
"""Quotas of EC2 for standard instances (A, C, D, H, I, M, R, T, Z), in virtual CPUs."""

ZONES = 2
"""Zones that the network uses: the first of the region."""


class Need(NamedTuple):
    """Virtual CPUs of a cluster, on demand and Spot."""

    on_demand: int
    spot: int


def needed_cpus(settings: Settings, workers: int) -> Need:
    """Return the virtual CPUs of a cluster with that many core and task nodes; the largest type named counts."""
    task = task_capacity(workers - settings.core_count, settings.spot_share)
    primary = max(INSTANCE_TYPES[name].virtual_cpus for name in settings.primary_instance_types)
    worker = settings.worker.virtual_cpus
    return Need(primary + worker * (settings.core_count + task.on_demand), worker * task.spot)


def on_demand_quota(account: Account) -> Finding:
    """Compare the on-demand quota with the settings."""
    first, most = _first_and_most(account.settings)
    otherwise = "or lower core_count or task_count in cdk.json"
    return _quota(account, ON_DEMAND_QUOTA, (first.on_demand, most.on_demand), otherwise)


def spot_quota(account: Account) -> Finding:
    """Compare the Spot quota with the settings."""
    first, most = _first_and_most(account.settings)
    if most.spot == 0:
        return ok("not needed: no Spot nodes")
    return _quota(account, SPOT_QUOTA, (first.spot, most.spot), "or deploy without Spot: -c spot_share=0")


def _first_and_most(settings: Settings) -> tuple[Need, Need]:
    first = settings.core_count + settings.task_count
    return needed_cpus(settings, first), needed_cpus(settings, settings.most_workers)


def offerings(account: Account) -> Finding:
    """Find out whether a zone of the network offers types for the primary node and for workers."""
    settings, ec2 = account.settings, account.aws.client("ec2")
    named = sorted({*settings.primary_instance_types, *settings.worker_instance_types})
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": named}]
    )
    offered = {(each["Location"], each["InstanceType"]) for page in pages for each in page["InstanceTypeOfferings"]}
    zones = available(ec2.describe_availability_zones())[:ZONES]
    return offered_finding(settings, zones, offered)


def offered_finding(settings: Settings, zones: Sequence[str], offered: set[tuple[str, str]]) -> Finding:
    """Return the finding for offers of (zone, instance type): EMR starts all nodes of a cluster in one zone."""
    for name, types in (
        ("primary_instance_types", settings.primary_instance_types),
        ("worker_instance_types", settings.worker_instance_types),
    ):
        if not any((zone, kind) in offered for zone in zones for kind in types):
            return failure(
                f"{name} must name a type that {' or '.join(zones)} offers, got {', '.join(types)}.",
                f"name others, as in -c {name}=m6i.xlarge,m5.xlarge",
            )
    whole = [
        zone
        for zone in zones
        if any((zone, kind) in offered for kind in settings.primary_instance_types)
        and any((zone, kind) in offered for kind in settings.worker_instance_types)
    ]
    if not whole:
        return failure(
            f"One zone of {', '.join(zones)} must offer types of primary_instance_types and worker_instance_types.",
            "name types of the same family in both settings",
        )
    named = dict.fromkeys((*settings.primary_instance_types, *settings.worker_instance_types))
    absent = [kind for kind in named if not any((zone, kind) in offered for zone in zones)]
    if absent:
        return warning(f"{' and '.join(zones)} do not offer {', '.join(absent)}.", "remove them from cdk.json")
    return ok(f"{', '.join(named)} in {', '.join(whole)}")


def _quota(account: Account, code: str, needed: tuple[int, int], otherwise: str) -> Finding:
    """Compare a quota with the need at the start, and with the most that managed scaling may add."""
    try:
        quota = account.aws.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]
    except ClientError as error:
        if error_code(error) != "NoSuchResourceException":
            raise
        return warning(f"not checked: {account.aws.region} has no quota {code}", "look in Service Quotas")
    value, (first, most) = int(quota["Value"]), needed
    if value >= most:
        return ok(f"{value} vCPUs, the settings need {most}")
    command = f"service-quotas request-service-quota-increase --service-code ec2 --quota-code {code}"
    fix = f"{account.aws.typed(f'{command} --desired-value {most}')}; {otherwise}"
    if value >= first:
        return warning(f"scaling_max needs {most} vCPUs, the quota is {value}: EMR stops adding nodes there.", fix)
    scaled = f" ({most} with scaling_max)" if most > first else ""
    return failure(f"The settings need {first} vCPUs{scaled}, the quota is {value}.", fix)
