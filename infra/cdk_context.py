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
    """A setting is wrong, unknown, or contradicts another.

    Settings stand in cdk.json, or behind `-c` for one command. They are checked before anything is deployed.

    Set it as the second line says. infra/settings.py explains each setting.
    """

    code = "ORC-210"


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Return the settings in a CDK context, which ``cdk.json`` fills and ``-c NAME=VALUE`` overrides.

    Parameters
    ----------
    context
        Names and values; a value from the command line is always a string. Keys of the CDK itself, which
        hold a ``:`` or a ``/``, are passed over.
    """
    names = [field.name for field in fields(Settings)]
    for name in context:
        if name not in names and ":" not in name and "/" not in name:
            raise _unknown(name, names)
    for name in names:
        if name not in context:
            raise SettingsError(
                f"The setting {name} has no value.", f"Put it back into cdk.json, or add -c {name}=VALUE."
            )
    settings = Settings(**{name: _READERS[name](name, context[name]) for name in names})
    for applies, message, hint in _contradictions(settings):
        if applies:
            raise SettingsError(message, hint)
    return settings


def _unknown(name: str, names: list[str]) -> SettingsError:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"The settings are: {', '.join(names)}."
    return SettingsError(f"There is no setting '{name}'.", hint)


def _boolean(name: str, value: object) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} is '{value}': it must be true or false.", f"Set it with -c {name}=true.")
    return text == "true"


def _whole_number(least: int, most: int) -> Callable[[str, Any], int]:
    def read(name: str, value: object) -> int:
        text = str(value)
        if not re.fullmatch(r"-?\d+", text) or not least <= int(text) <= most:
            raise SettingsError(
                f"{name} is '{value}': it must be a whole number from {least} to {most}.",
                f"Set it with -c {name}=NUMBER.",
            )
        return int(text)

    return read


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def read(name: str, value: object) -> str:
        if value not in allowed:
            raise SettingsError(
                f"{name} is '{value}': it must be one of {', '.join(allowed)}.",
                f"Set it with -c {name}={allowed[0]}.",
            )
        return str(value)

    return read


def _matching(pattern: str, form: str, example: str) -> Callable[[str, Any], str]:
    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise SettingsError(
                f"{name} is '{value}': it must be {form}, or empty.", f"Set it with -c {name}={example}."
            )
        return value

    return read


def _instance_types(name: str, value: object) -> tuple[str, ...]:
    types = tuple(part.strip() for part in str(value).split(","))
    for instance_type in types:
        if instance_type not in INSTANCE_TYPES:
            family = [known for known in INSTANCE_TYPES if known.endswith(".xlarge")]
            raise SettingsError(
                f"{name} names '{instance_type}': it must name one of {', '.join(family)}, "
                "or 2xlarge, 4xlarge, 8xlarge, 12xlarge and 16xlarge of the same families.",
                f"Set it with -c {name}=m7g.xlarge,m6g.xlarge.",
            )
    return types


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
    "managed_scaling": _boolean,
    "scaling_min": _whole_number(1, 200),
    "scaling_max": _whole_number(1, 200),
    "session_manager": _boolean,
    "jupyterhub": _boolean,
    "visual_words": _boolean,
    "reduced_precision": _boolean,
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
    """Every pair of settings that cannot stand together: whether it is so here, the sentence, what to do."""
    primaries = [INSTANCE_TYPES[name] for name in settings.primary_instance_types]
    workers = [INSTANCE_TYPES[name] for name in settings.worker_instance_types]
    first_workers = settings.core_count + settings.task_count
    return [
        (
            settings.region not in EU_REGIONS and not settings.allow_non_eu,
            f"region is '{settings.region}', outside the European Union, and allow_non_eu is false.",
            f"Use one of {', '.join(EU_REGIONS)}, or add -c allow_non_eu=true.",
        ),
        (
            len({instance.architecture for instance in [*primaries, *workers]}) > 1,
            "primary_instance_types and worker_instance_types mix x86_64 and aarch64.",
            "Name types of one architecture in both: one wheelhouse serves all nodes.",
        ),
        (
            len({(instance.virtual_cpus, instance.memory_mib) for instance in workers}) > 1,
            f"worker_instance_types names different sizes: {', '.join(settings.worker_instance_types)}.",
            "Name types with as many virtual CPUs and as much memory: one executor size must fit all.",
        ),
        (
            settings.managed_scaling and settings.network == "private",
            "managed_scaling is true and network is 'private', where its metrics cannot get out.",
            "Add -c network=private-nat (or public), or -c managed_scaling=false.",
        ),
        (
            settings.managed_scaling and settings.task_count == 0,
            "managed_scaling is true and task_count is 0, but it scales task nodes and starts from one.",
            "Add -c task_count=1, or -c managed_scaling=false.",
        ),
        (
            settings.scaling_min > settings.scaling_max,
            f"scaling_min is {settings.scaling_min}, which is more than scaling_max, {settings.scaling_max}.",
            f"Add -c scaling_max={settings.scaling_min}, or lower scaling_min.",
        ),
        (
            settings.managed_scaling and settings.scaling_min < settings.core_count,
            f"scaling_min is {settings.scaling_min}, less than core_count, {settings.core_count}.",
            f"Add -c scaling_min={settings.core_count}: core nodes are never scaled away.",
        ),
        (
            settings.managed_scaling and settings.scaling_max < first_workers,
            f"scaling_max is {settings.scaling_max}, less than core_count and task_count, {first_workers}.",
            f"Add -c scaling_max={first_workers}, or lower task_count.",
        ),
        (
            settings.jupyterhub and not settings.session_manager,
            "jupyterhub is true and session_manager is false, but no other way leads to its port.",
            "Add -c session_manager=true, or -c jupyterhub=false.",
        ),
        (
            settings.reduced_precision and {instance.architecture for instance in workers} != {"x86_64"},
            f"reduced_precision is true and worker_instance_types names {', '.join(settings.worker_instance_types)}.",
            "Name x86_64 types, best m7i, c7i or r7i, which compute in bfloat16, or add -c reduced_precision=false.",
        ),
    ]
