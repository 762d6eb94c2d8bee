"""Reading the settings: every wrong value is refused, says which it is, what is allowed, and what to do."""

import json
from dataclasses import fields
from typing import Any

import pytest

from infra.cdk_context import SettingsError, read_settings
from infra.settings import Settings
from tests.infra.synthesis import ROOT, default_context

NAMES = [field.name for field in fields(Settings)]
EU = "eu-central-1, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-3"
REGIONS = (
    f"{EU}, eu-central-2, eu-west-2, us-east-1, us-east-2, us-west-1, us-west-2, ca-central-1, ca-west-1, "
    "sa-east-1, ap-northeast-1, ap-northeast-2, ap-northeast-3, ap-south-1, ap-southeast-1, ap-southeast-2, "
    "af-south-1, il-central-1, me-central-1, me-south-1"
)
INSTANCE_TYPES = (
    "m5.xlarge, m5a.xlarge, m6i.xlarge, m7i.xlarge, c6i.xlarge, c7i.xlarge, r6i.xlarge, r7i.xlarge, "
    "m6g.xlarge, m7g.xlarge, m8g.xlarge, c7g.xlarge, c8g.xlarge, r7g.xlarge, r8g.xlarge, "
    "or 2xlarge, 4xlarge, 8xlarge, 12xlarge and 16xlarge of the same families"
)

WRONG_VALUES = {
    "region": ("eu-west-9", f"it must be one of {REGIONS}.", "Set it with -c region=eu-central-1."),
    "allow_non_eu": ("yes", "it must be true or false.", "Set it with -c allow_non_eu=true."),
    "core_count": ("0", "it must be a whole number from 1 to 100.", "Set it with -c core_count=NUMBER."),
    "task_count": ("-1", "it must be a whole number from 0 to 100.", "Set it with -c task_count=NUMBER."),
    "spot_share": ("101", "it must be a whole number from 0 to 100.", "Set it with -c spot_share=NUMBER."),
    "idle_minutes": (
        "10081",
        "it must be a whole number from 1 to 10080.",
        "Set it with -c idle_minutes=NUMBER.",
    ),
    "network": (
        "privat",
        "it must be one of private, private-nat, public.",
        "Set it with -c network=private.",
    ),
    "managed_scaling": ("on", "it must be true or false.", "Set it with -c managed_scaling=true."),
    "scaling_min": ("0", "it must be a whole number from 1 to 200.", "Set it with -c scaling_min=NUMBER."),
    "scaling_max": ("many", "it must be a whole number from 1 to 200.", "Set it with -c scaling_max=NUMBER."),
    "session_manager": ("1", "it must be true or false.", "Set it with -c session_manager=true."),
    "jupyterhub": ("", "it must be true or false.", "Set it with -c jupyterhub=true."),
    "visual_words": ("orb", "it must be true or false.", "Set it with -c visual_words=true."),
    "reduced_precision": ("fast", "it must be true or false.", "Set it with -c reduced_precision=true."),
    "step_concurrency": (
        "257",
        "it must be a whole number from 1 to 256.",
        "Set it with -c step_concurrency=NUMBER.",
    ),
    "tls_certificates": (
        "certificates.zip",
        "it must be the s3:// URI of a .zip file, or empty.",
        "Set it with -c tls_certificates=s3://BUCKET/certificates.zip.",
    ),
    "generation": ("0", "it must be a whole number from 1 to 9999.", "Set it with -c generation=NUMBER."),
    "evaluator": ("none", "it must be true or false.", "Set it with -c evaluator=true."),
    "evaluator_key_serial": (
        "1.5",
        "it must be a whole number from 1 to 9999.",
        "Set it with -c evaluator_key_serial=NUMBER.",
    ),
    "monthly_budget": (
        "0",
        "it must be a whole number from 1 to 1000000.",
        "Set it with -c monthly_budget=NUMBER.",
    ),
    "alert_email": (
        "me",
        "it must be an e-mail address, or empty.",
        "Set it with -c alert_email=you@example.org.",
    ),
    "cost_tag_active": ("maybe", "it must be true or false.", "Set it with -c cost_tag_active=true."),
    "log_retention_days": (
        "0",
        "it must be a whole number from 1 to 3650.",
        "Set it with -c log_retention_days=NUMBER.",
    ),
    "results_archive_days": (
        "29",
        "it must be a whole number from 30 to 3650.",
        "Set it with -c results_archive_days=NUMBER.",
    ),
    "delete_data": ("sure", "it must be true or false.", "Set it with -c delete_data=true."),
    "confirm_delete_data": ("sure", "it must be true or false.", "Set it with -c confirm_delete_data=true."),
}
WRONG_INSTANCE_TYPES = ("primary_instance_types", "worker_instance_types")

CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a region outside the EU": (
        {"region": "eu-west-2"},
        (
            "region is 'eu-west-2', outside the European Union, and allow_non_eu is false.\n"
            f"Use one of {EU}, or add -c allow_non_eu=true."
        ),
    ),
    "two architectures": (
        {"primary_instance_types": "m7g.xlarge"},
        (
            "primary_instance_types and worker_instance_types mix x86_64 and aarch64.\n"
            "Name types of one architecture in both: one wheelhouse serves all nodes."
        ),
    ),
    "workers of two sizes": (
        {"worker_instance_types": "m6i.xlarge,m6i.2xlarge"},
        (
            "worker_instance_types names different sizes: m6i.xlarge, m6i.2xlarge.\n"
            "Name types with as many virtual CPUs and as much memory: one executor size must fit all."
        ),
    ),
    "managed scaling without a way out": (
        {"managed_scaling": True},
        (
            "managed_scaling is true and network is 'private', where its metrics cannot get out.\n"
            "Add -c network=private-nat (or public), or -c managed_scaling=false."
        ),
    ),
    "managed scaling without a task node": (
        {"managed_scaling": True, "network": "public", "task_count": 0},
        (
            "managed_scaling is true and task_count is 0, but it scales task nodes and starts from one.\n"
            "Add -c task_count=1, or -c managed_scaling=false."
        ),
    ),
    "limits the wrong way round": (
        {"scaling_min": 11},
        ("scaling_min is 11, which is more than scaling_max, 10.\nAdd -c scaling_max=11, or lower scaling_min."),
    ),
    "a lower limit below the core nodes": (
        {"managed_scaling": True, "network": "public", "core_count": 3},
        "scaling_min is 1, less than core_count, 3.\nAdd -c scaling_min=3: core nodes are never scaled away.",
    ),
    "an upper limit below the first nodes": (
        {"managed_scaling": True, "network": "public", "scaling_max": 2},
        ("scaling_max is 2, less than core_count and task_count, 3.\nAdd -c scaling_max=3, or lower task_count."),
    ),
    "reduced precision on ARM": (
        {"reduced_precision": True, "primary_instance_types": "m7g.xlarge", "worker_instance_types": "m7g.xlarge"},
        (
            "reduced_precision is true and worker_instance_types names m7g.xlarge.\n"
            "Name x86_64 types, best m7i, c7i or r7i, which compute in bfloat16, or add -c reduced_precision=false."
        ),
    ),
    "JupyterHub without a way in": (
        {"jupyterhub": True},
        (
            "jupyterhub is true and session_manager is false, but no other way leads to its port.\n"
            "Add -c session_manager=true, or -c jupyterhub=false."
        ),
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
    assert sorted([*WRONG_VALUES, *WRONG_INSTANCE_TYPES]) == sorted(NAMES)


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_a_wrong_value_names_itself_the_allowed_ones_and_what_to_do(name: str) -> None:
    value, allowed, hint = WRONG_VALUES[name]
    assert refusal({name: value}) == f"{name} is '{value}': {allowed}\n{hint}"


@pytest.mark.parametrize("name", WRONG_INSTANCE_TYPES)
def test_an_unknown_instance_type_names_the_known_ones(name: str) -> None:
    assert refusal({name: "m6i.xlarge,t3.micro"}) == (
        f"{name} names 't3.micro': it must name one of {INSTANCE_TYPES}.\nSet it with -c {name}=m7g.xlarge,m6g.xlarge."
    )


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused_in_one_sentence(case: str) -> None:
    changes, message = CONTRADICTIONS[case]
    assert refusal(changes) == message


def test_a_misspelt_setting_is_not_passed_over() -> None:
    assert refusal({"core_cuont": "2"}) == "There is no setting 'core_cuont'.\nDid you mean core_count?"


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    assert refusal({"xyz": "2"}) == f"There is no setting 'xyz'.\nThe settings are: {', '.join(NAMES)}."


def test_a_missing_setting_is_named() -> None:
    context = default_context()
    del context["network"]
    with pytest.raises(SettingsError) as caught:
        read_settings(context)
    assert str(caught.value) == (
        "The setting network has no value.\nPut it back into cdk.json, or add -c network=VALUE."
    )


def test_keys_of_the_cdk_itself_are_passed_over() -> None:
    read_settings(default_context() | {"aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:any": True})


def test_values_from_the_command_line_are_strings_and_mean_the_same() -> None:
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
