"""Read the settings from the CDK context, and refuse wrong or contradictory ones."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from infra.emr import INSTANCE_TYPES
from infra.errors import WrongUseError
from infra.settings import EU_REGIONS, NETWORKS, OTHER_REGIONS, Settings


class SettingsError(WrongUseError):
    """A setting is invalid, unknown, or contradicts another.

    Settings come from cdk.json, or from `-c NAME=VALUE` for one command. They are checked before anything is deployed.

    Change the setting as the second line says. infra/settings.py explains each setting.
    """

    code = "ORC-210"


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Return the settings in a CDK context, which ``cdk.json`` fills and ``-c NAME=VALUE`` overrides.

    Parameters
    ----------
    context
        Names and values; a value from the command line is always a string. Keys of the CDK itself, which contain a
        ``:`` or a ``/``, are ignored.
    """
    names = [field.name for field in fields(Settings)]
    for name in context:
        if name not in names and ":" not in name and "/" not in name:
            raise _unknown(name, names)
    for name in names:
        if name not in context:
            raise SettingsError(
                f"The setting {name} must have a value, got none.", f"Restore it in cdk.json, or add -c {name}=VALUE."
            )
    settings = Settings(**{name: _READERS[name](name, context[name]) for name in names})
    for applies, message, hint in _contradictions(settings):
        if applies:
            raise SettingsError(message, hint)
    return settings


def _unknown(name: str, names: list[str]) -> SettingsError:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean -c {close[0]}=VALUE?" if close else f"Use one of: {', '.join(names)}."
    return SettingsError(f"Unknown setting '{name}'.", hint)


def _boolean(name: str, value: object) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} must be true or false, got '{value}'.", f"Add -c {name}=true or -c {name}=false.")
    return text == "true"


def _whole_number(least: int, most: int) -> Callable[[str, Any], int]:
    def read(name: str, value: object) -> int:
        text = str(value)
        if not re.fullmatch(r"-?\d+", text) or not least <= int(text) <= most:
            raise SettingsError(
                f"{name} must be a whole number from {least} to {most}, got '{value}'.",
                f"Add -c {name}={least}, or another number in that range.",
            )
        return int(text)

    return read


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def read(name: str, value: object) -> str:
        if value not in allowed:
            raise SettingsError(
                f"{name} must be one of {', '.join(allowed)}, got '{value}'.",
                f"Add -c {name}={allowed[0]}, or another of these.",
            )
        return str(value)

    return read


def _matching(pattern: str, form: str, example: str) -> Callable[[str, Any], str]:
    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise SettingsError(
                f"{name} must be {form} or empty, got '{value}'.", f"Add -c {name}={example}, with your own value."
            )
        return value

    return read


def _instance_types(name: str, value: object) -> tuple[str, ...]:
    types = tuple(part.strip() for part in str(value).split(","))
    for instance_type in types:
        if instance_type not in INSTANCE_TYPES:
            family = [known for known in INSTANCE_TYPES if known.endswith(".xlarge")]
            raise SettingsError(
                f"{name} must list instance types among {', '.join(family)}, "
                f"or their 2xlarge, 4xlarge, 8xlarge, 12xlarge and 16xlarge sizes, got '{instance_type}'.",
                f"Add -c {name}=m6i.xlarge,m5.xlarge.",
            )
    return types


def _subnets(name: str, value: object) -> tuple[str, ...]:
    ids = tuple(part.strip() for part in str(value).split(",") if part.strip())
    for subnet in ids:
        if not re.fullmatch(r"subnet-[0-9a-f]{8,17}", subnet):
            raise SettingsError(
                f"{name} must list subnet ids or be empty, got '{subnet}'.",
                f"Add -c {name}=subnet-0123456789abcdef0, with your own subnets.",
            )
    return ids


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "region": _one_of(*EU_REGIONS, *OTHER_REGIONS),
    "allow_non_eu": _boolean,
    "primary_instance_types": _instance_types,
    "worker_instance_types": _instance_types,
    "core_count": _whole_number(1, 100),
    "task_count": _whole_number(0, 100),
    "spot_share": _whole_number(0, 100),
    # EMR's own bounds: a minute, and seven days.
    "idle_minutes": _whole_number(1, 10_080),
    "network": _one_of(*NETWORKS),
    "vpc_id": _matching(r"(vpc-[0-9a-f]{8,17})?", "the id of a VPC", "vpc-0123456789abcdef0"),
    "subnet_ids": _subnets,
    "kms_endpoint": _boolean,
    "managed_scaling": _boolean,
    "scaling_min": _whole_number(1, 200),
    "scaling_max": _whole_number(1, 200),
    "session_manager": _boolean,
    "jupyterhub": _boolean,
    "live_logs": _boolean,
    "visual_words": _boolean,
    # EMR's own bounds.
    "step_concurrency": _whole_number(1, 256),
    "tls_certificates": _matching(
        r"(s3://[a-z0-9.-]+/\S+\.zip)?",
        "the s3:// URI of a .zip file",
        "s3://BUCKET/certificates.zip",
    ),
    "generation": _whole_number(1, 9_999),
    "evaluator": _boolean,
    "evaluator_key_serial": _whole_number(1, 9_999),
    "monthly_budget": _whole_number(1, 1_000_000),
    "alert_email": _matching(r"([^@\s]+@[^@\s]+\.[^@\s.]+)?", "an e-mail address", "you@example.org"),
    "cost_tag_active": _boolean,
    "log_retention_days": _whole_number(1, 3_650),
    # From 30: Glacier Instant Retrieval bills 90 days of each object at least, too dear for what is still worked on.
    "results_archive_days": _whole_number(30, 3_650),
    "delete_data": _boolean,
    "confirm_delete_data": _boolean,
}


def _contradictions(settings: Settings) -> list[tuple[bool, str, str]]:
    """Return the forbidden combinations of settings: whether each applies, its message and its hint."""
    primaries = [INSTANCE_TYPES[name] for name in settings.primary_instance_types]
    workers = [INSTANCE_TYPES[name] for name in settings.worker_instance_types]
    worker_names = ", ".join(settings.worker_instance_types)
    subnets = ",".join(settings.subnet_ids)
    first_workers = settings.core_count + settings.task_count
    return [
        (
            settings.region not in EU_REGIONS and not settings.allow_non_eu,
            f"region must be in the European Union while allow_non_eu is false, got '{settings.region}'.",
            f"Use one of {', '.join(EU_REGIONS)}, or add -c allow_non_eu=true.",
        ),
        (
            len({instance.architecture for instance in [*primaries, *workers]}) > 1,
            "primary_instance_types and worker_instance_types must have one architecture, got x86_64 and aarch64.",
            "Use types of one architecture in both settings, because all nodes install the same wheels.",
        ),
        (
            len({(instance.virtual_cpus, instance.memory_mib) for instance in workers}) > 1,
            f"worker_instance_types must be of one size, got {worker_names}.",
            "Use types with equal virtual CPUs and memory, because one executor size must fit all of them.",
        ),
        (
            bool(settings.vpc_id) != bool(settings.subnet_ids),
            f"vpc_id and subnet_ids must be given together, got '{settings.vpc_id}' and '{subnets}'.",
            "Add both -c vpc_id=VPC and -c subnet_ids=SUBNET,SUBNET, or neither to create a network.",
        ),
        (
            settings.managed_scaling and settings.network == "private",
            "managed_scaling=true has not been tried with network 'private', so that pair is refused.",
            "Add -c network=private-nat (or public), or -c managed_scaling=false.",
        ),
        (
            settings.managed_scaling and settings.task_count == 0,
            "managed_scaling=true needs at least one task node to start from, got task_count=0.",
            "Add -c task_count=1, or -c managed_scaling=false.",
        ),
        (
            settings.managed_scaling and settings.spot_share not in (0, 100),
            f"spot_share must be 0 or 100 with managed_scaling=true, got {settings.spot_share}.",
            "Add -c spot_share=100 or -c spot_share=0, or -c managed_scaling=false.",
        ),
        (
            settings.scaling_min > settings.scaling_max,
            f"scaling_min must not exceed scaling_max, got {settings.scaling_min} and {settings.scaling_max}.",
            f"Add -c scaling_max={settings.scaling_min}, or lower scaling_min.",
        ),
        (
            settings.managed_scaling and settings.scaling_min < settings.core_count,
            f"scaling_min must be at least core_count, got {settings.scaling_min} and {settings.core_count}.",
            f"Add -c scaling_min={settings.core_count}: core nodes are never removed.",
        ),
        (
            settings.managed_scaling and settings.scaling_max < first_workers,
            f"scaling_max must be at least core_count + task_count = {first_workers}, got {settings.scaling_max}.",
            f"Add -c scaling_max={first_workers}, or lower task_count.",
        ),
        (
            settings.jupyterhub and not settings.session_manager,
            "jupyterhub=true needs session_manager=true, the only way to reach its port, got false.",
            "Add -c session_manager=true, or -c jupyterhub=false.",
        ),
        (
            settings.jupyterhub and settings.step_concurrency > 1,
            # The step that sets the password ends the cluster if it fails; EMR allows that for one step at a time only.
            f"step_concurrency must be 1 with jupyterhub=true, got {settings.step_concurrency}.",
            "Add -c step_concurrency=1, or -c jupyterhub=false.",
        ),
    ]
