"""Reading the settings: every wrong value is refused, says which it is, what is allowed, and what to do."""

import json
from dataclasses import fields
from typing import Any

import pytest

from infra.cdk_context import SettingsError, read_settings
from infra.settings import EU_REGIONS, OTHER_REGIONS, Settings
from tests.infra.synthesis import ROOT, default_context

NAMES = [field.name for field in fields(Settings)]
WRONG_VALUES = {
    "region": ("eu-west-9", [*EU_REGIONS, *OTHER_REGIONS]),
    "allow_non_eu": ("yes", ["true", "false"]),
    "primary_instance_types": ("m6i.xlarge,t3.micro", ["m6i.xlarge", "r8g.xlarge", "16xlarge"]),
    "worker_instance_types": ("t3.micro", ["m6i.xlarge", "r8g.xlarge", "16xlarge"]),
    "core_count": ("0", ["1", "100"]),
    "task_count": ("-1", ["0", "100"]),
    "spot_share": ("101", ["0", "100"]),
    "idle_minutes": ("10081", ["1", "10080"]),
    "network": ("privat", ["private", "private-nat", "public"]),
    "vpc_id": ("vpc", ["VPC", "empty"]),
    "subnet_ids": ("subnet-01234567,eu-west-1a", ["subnet", "empty"]),
    "kms_endpoint": ("no", ["true", "false"]),
    "managed_scaling": ("on", ["true", "false"]),
    "scaling_min": ("0", ["1", "200"]),
    "scaling_max": ("many", ["1", "200"]),
    "session_manager": ("1", ["true", "false"]),
    "jupyterhub": ("", ["true", "false"]),
    "live_logs": ("2", ["true", "false"]),
    "visual_words": ("orb", ["true", "false"]),
    "step_concurrency": ("257", ["1", "256"]),
    "tls_certificates": ("certificates.zip", ["s3://", ".zip", "empty"]),
    "generation": ("0", ["1", "9999"]),
    "evaluator": ("none", ["true", "false"]),
    "evaluator_key_serial": ("1.5", ["1", "9999"]),
    "monthly_budget": ("0", ["1", "1000000"]),
    "alert_email": ("me", ["e-mail", "empty"]),
    "cost_tag_active": ("maybe", ["true", "false"]),
    "log_retention_days": ("0", ["1", "3650"]),
    "results_archive_days": ("29", ["30", "3650"]),
    "delete_data": ("sure", ["true", "false"]),
    "confirm_delete_data": ("sure", ["true", "false"]),
}
"""A wrong value of each setting, and what the message must name of the allowed ones."""

CONTRADICTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a region outside the EU": ({"region": "eu-west-2"}, ["'eu-west-2'", "-c allow_non_eu=true"]),
    "two architectures": ({"primary_instance_types": "m7g.xlarge"}, ["x86_64", "aarch64"]),
    "workers of two sizes": ({"worker_instance_types": "m6i.xlarge,m6i.2xlarge"}, ["m6i.xlarge, m6i.2xlarge"]),
    "a VPC without subnets": ({"vpc_id": "vpc-01234567"}, ["vpc_id", "subnet_ids", "vpc-01234567"]),
    "subnets without a VPC": ({"subnet_ids": "subnet-01234567"}, ["vpc_id", "subnet_ids", "subnet-01234567"]),
    "managed scaling with a mixed spot share": (
        {"managed_scaling": True, "network": "public", "spot_share": 50},
        ["spot_share", "50", "-c spot_share=100"],
    ),
    "JupyterHub beside steps at the same time": (
        {"jupyterhub": True, "session_manager": True, "step_concurrency": 2},
        ["-c step_concurrency=1", "-c jupyterhub=false"],
    ),
    "managed scaling without a way out": (
        {"managed_scaling": True},
        ["'private'", "-c network=private-nat", "-c managed_scaling=false"],
    ),
    "managed scaling without a task node": (
        {"managed_scaling": True, "network": "public", "task_count": 0},
        ["task_count=0", "-c task_count=1", "-c managed_scaling=false"],
    ),
    "limits the wrong way round": ({"scaling_min": 11}, ["11", "10", "-c scaling_max=11"]),
    "a lower limit below the core nodes": (
        {"managed_scaling": True, "network": "public", "core_count": 3},
        ["scaling_min", "1 and 3", "-c scaling_min=3"],
    ),
    "an upper limit below the first nodes": (
        {"managed_scaling": True, "network": "public", "scaling_max": 2},
        ["scaling_max", "got 2", "-c scaling_max=3"],
    ),
    "JupyterHub without a way in": (
        {"jupyterhub": True},
        ["-c session_manager=true", "-c jupyterhub=false"],
    ),
}


def refusal(changes: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings(default_context() | changes)
    return str(caught.value)


def test_cdk_json_and_the_settings_name_the_same_things() -> None:
    named = [name for name in default_context() if "/" not in name]
    assert named == NAMES


def test_every_setting_has_its_wrong_value_tested() -> None:
    assert sorted(WRONG_VALUES) == sorted(NAMES)


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_refuses_a_wrong_value_with_the_allowed_ones(name: str) -> None:
    value, allowed = WRONG_VALUES[name]

    message, hint = refusal({name: value}).split("\n")

    assert message.startswith(f"{name} must ")
    assert f"got '{value.rpartition(',')[2]}'" in message
    assert [text for text in allowed if text not in message] == []
    assert f"-c {name}=" in hint


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_refuses_settings_that_contradict_each_other(case: str) -> None:
    changes, values = CONTRADICTIONS[case]

    refused = refusal(changes)

    assert [name for name in changes if name not in refused and len(changes) == 1] == []
    assert [value for value in values if value not in refused] == []


def test_answers_a_misspelt_setting_with_the_nearest() -> None:
    message, hint = refusal({"core_cuont": "2"}).split("\n")

    assert "'core_cuont'" in message
    assert "-c core_count=VALUE" in hint


def test_answers_an_unknown_setting_with_the_known_ones() -> None:
    message, hint = refusal({"xyz": "2"}).split("\n")

    assert "'xyz'" in message
    assert ", ".join(NAMES) in hint


def test_names_a_missing_setting() -> None:
    context = default_context()
    del context["network"]

    with pytest.raises(SettingsError) as caught:
        read_settings(context)

    assert " network " in caught.value.message
    assert caught.value.code == "ORC-210"
    assert "-c network=VALUE" in caught.value.hint


def test_keys_of_the_cdk_itself_are_passed_over() -> None:
    read_settings(default_context() | {"aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:any": True})


def test_reads_values_of_the_command_line_alike() -> None:
    defaults = default_context()
    as_text = {name: json.dumps(defaults[name]).strip('"') for name in NAMES}
    assert read_settings(as_text) == read_settings(defaults)


def test_a_region_outside_the_eu_is_taken_when_allowed() -> None:
    assert read_settings(default_context() | {"region": "eu-west-2", "allow_non_eu": "true"}).region == "eu-west-2"


@pytest.mark.parametrize(
    ("delete", "confirm", "may"),
    [(False, False, False), (True, False, False), (False, True, False), (True, True, True)],
)
def test_data_may_only_be_deleted_when_asked_for_twice(*, delete: bool, confirm: bool, may: bool) -> None:
    settings = read_settings(default_context() | {"delete_data": delete, "confirm_delete_data": confirm})
    assert settings.may_delete_data is may


def test_cdk_json_runs_the_app_of_this_repository() -> None:
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == "python app.py"
