"""What a person asks of ``orchard cost``, read and checked."""

import argparse
import json
from dataclasses import replace

from infra.aws import cdk
from infra.cdk_context import read_settings
from infra.emr.instance_types import INSTANCE_TYPES
from infra.errors import WrongUseError
from infra.settings import EU_REGIONS, OTHER_REGIONS, Settings


def read_cost_settings(instance_type: str | None, region: str) -> Settings:
    """Return the settings of cdk.json as a price is asked for them.

    Parameters
    ----------
    instance_type
        For every node; None for the types of cdk.json.
    region
        In place of that of cdk.json; it may lie outside the EU, for this is only a question.

    Raises
    ------
    WrongUseError
        If the type is none that a cluster may be made of.
    SettingsError
        If cdk.json is wrong.
    """
    if instance_type is not None and instance_type not in INSTANCE_TYPES:
        raise WrongUseError(
            f"'{instance_type}' is not an instance type that a cluster may be made of.",
            f"Name one of {', '.join(name for name in INSTANCE_TYPES if name.endswith('.xlarge'))}, or a larger size.",
        )
    settings = read_settings(json.loads(cdk.CDK_JSON.read_text(encoding="utf-8"))["context"])
    types = (instance_type,) if instance_type else None
    return replace(
        settings,
        region=region,
        primary_instance_types=types or settings.primary_instance_types,
        worker_instance_types=types or settings.worker_instance_types,
    )


def read_regions(text: str) -> list[str]:
    """Return the regions that a comma-separated text names, each once.

    Raises
    ------
    WrongUseError
        If it names none, or an unknown one.
    """
    named = [part.strip() for part in text.split(",") if part.strip()]
    known = (*EU_REGIONS, *OTHER_REGIONS)
    for region in named:
        if region not in known:
            raise WrongUseError(f"'{region}' is not a region that is known here.", f"Name some of {', '.join(known)}.")
    if not named:
        raise WrongUseError("--regions names no region.", f"Name some of {', '.join(known)}.")
    return list(dict.fromkeys(named))


def count(text: str) -> int:
    """Return a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def amount(text: str) -> float:
    """Return a number from 0."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0")
    return number
