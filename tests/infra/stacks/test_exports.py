"""No setting adds or removes an export: CloudFormation refuses to delete one that another stack still imports."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from infra.settings import Settings
from tests.infra.synthesis import Environment, Synthesise

ALTERNATIVES: dict[str, dict[str, Any]] = {
    "primary_instance_types": {"primary_instance_types": "m5.xlarge"},
    "worker_instance_types": {"worker_instance_types": "m6i.2xlarge"},
    "core_count": {"core_count": 2},
    "task_count": {"task_count": 0},
    "spot_share": {"spot_share": 0},
    "idle_minutes": {"idle_minutes": 60},
    "network": {"network": "private-nat"},
    "vpc_id": {"vpc_id": "vpc-01234567", "subnet_ids": "subnet-01234567"},
    "subnet_ids": {"vpc_id": "vpc-01234567", "subnet_ids": "subnet-01234567,subnet-89abcdef"},
    "kms_endpoint": {"kms_endpoint": False},
    "managed_scaling": {"managed_scaling": True, "network": "public"},
    "scaling_min": {"scaling_min": 2},
    "scaling_max": {"scaling_max": 12},
    "session_manager": {"session_manager": True},
    "jupyterhub": {"jupyterhub": True, "session_manager": True},
    "live_logs": {"live_logs": True},
    "visual_words": {"visual_words": True},
    "step_concurrency": {"step_concurrency": 2},
    "tls_certificates": {"tls_certificates": "s3://secrets/certificates.zip"},
    "generation": {"generation": 2},
    "evaluator": {"evaluator": False},
    "evaluator_key_serial": {"evaluator_key_serial": 2},
    "monthly_budget": {"monthly_budget": 60, "alert_email": "owner@example.org"},
    "alert_email": {"alert_email": "owner@example.org"},
    "cost_tag_active": {"cost_tag_active": True, "alert_email": "owner@example.org"},
    "log_retention_days": {"log_retention_days": 30},
    "results_archive_days": {"results_archive_days": 60},
    "delete_data": {"delete_data": True, "confirm_delete_data": True},
    "confirm_delete_data": {"confirm_delete_data": True},
}
"""Another value of each setting, with what that value needs."""

ELSEWHERE = {"region", "allow_non_eu"}
"""Settings that change where the stacks are, not what they export."""


def exports(environment: Environment) -> dict[str, set[str]]:
    """Return the names that each stack exports."""
    return {
        stack: {
            output["Export"]["Name"]
            for output in environment.template(stack).get("Outputs", {}).values()
            if "Export" in output
        }
        for stack in environment.stacks()
    }


def imports(environment: Environment, stack: str) -> set[str]:
    return set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(environment.template(stack))))


def test_every_setting_has_another_value() -> None:
    assert set(ALTERNATIVES) | ELSEWHERE == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", ALTERNATIVES)
def test_stacks_update_one_by_one_there_and_back(environment: Synthesise, name: str) -> None:
    default, other = environment(), environment(**ALTERNATIVES[name])
    for before, after in ((default, other), (other, default)):
        there = set().union(*exports(before).values())
        # A stack that is no longer declared stays deployed.
        still = set().union(*(exports(before) | exports(after)).values())
        for stack in before.stacks():
            # The CDK updates the exporting stack first: what the others imported before must still be there.
            assert imports(before, stack) <= there & still
    assert exports(default)["OrchardData"] == exports(other)["OrchardData"]


def test_another_stack_imports_what_is_exported(environment: Synthesise) -> None:
    made = environment(session_manager=True, jupyterhub=True, alert_email="owner@example.org")
    used = set().union(*(imports(made, stack) for stack in made.stacks()))
    assert used == set().union(*exports(made).values())
