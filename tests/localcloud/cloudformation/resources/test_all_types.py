"""All types together: they cover what the stacks and the CDK use, and replace what AWS replaces."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.settings import NETWORKS, Settings
from localcloud.cloudformation.resource import ResourceType
from localcloud.cloudformation.resources import RESOURCE_TYPES
from tests.infra.conftest import environment, stub_wheelhouse  # noqa: F401 - fixtures
from tests.infra.synthesis import ROOT, Synthesise, default_context

NEVER_MADE = {"AWS::CloudFormation::WaitConditionHandle"}
"""What a template may hold and nothing is made of: the engine itself knows it."""


CHOICES: dict[str, tuple[dict[str, Any], ...]] = {
    "x86_64, nothing more": ({"alert_email": "", "spot_share": 0, "task_count": 0, "managed_scaling": True},),
    "aarch64, everything": (
        {"primary_instance_types": "m7g.xlarge", "worker_instance_types": "m7g.xlarge,m6g.xlarge"},
        {"alert_email": "owner@example.org", "cost_tag_active": True},
        {"session_manager": True, "jupyterhub": True, "visual_words": True},
        {"tls_certificates": "s3://secrets/certificates.zip"},
        {"delete_data": True, "confirm_delete_data": True, "spot_share": 50},
        {"kms_endpoint": False},
    ),
    "no evaluator, one switch": ({"evaluator": False, "delete_data": True, "alert_email": "owner@example.org"},),
}
"""Settings that between them set every switch both ways, but ``live_logs``: the local cloud has no CloudWatch Logs."""

SYNTHESES = [
    *((network, "aarch64, everything") for network in NETWORKS),
    ("private", "x86_64, nothing more"),
    ("public", "no evaluator, one switch"),
]


def used(template: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return type and property of everything in a template; a type without properties once, with an empty one."""
    for resource in template["Resources"].values():
        yield resource["Type"], ""
        for name in resource.get("Properties", {}):
            yield resource["Type"], name


def missing(template: dict[str, Any]) -> set[tuple[str, str]]:
    """Return what a template uses and the local cloud does not model."""
    return {
        (kind, name)
        for kind, name in used(template)
        if kind not in NEVER_MADE
        and (kind not in RESOURCE_TYPES or (name and name not in RESOURCE_TYPES[kind].properties))
    }


@pytest.mark.parametrize(("network", "choice"), SYNTHESES)
def test_everything_that_the_stacks_use_is_modelled(
    environment: Synthesise,  # noqa: F811 - the fixture
    network: str,
    choice: str,
) -> None:
    settings: dict[str, Any] = {"network": network}
    for more in CHOICES[choice]:
        settings |= more
    if network == "private":
        settings.pop("managed_scaling", None)

    made = environment(**settings)

    found = {stack: missing(made.template(stack)) for stack in made.stacks()}
    assert found == {stack: set() for stack in made.stacks()}


def test_the_choices_set_every_switch_both_ways() -> None:
    switches = {name for name, kind in Settings.__annotations__.items() if kind is bool} - {"allow_non_eu", "live_logs"}
    defaults = {name: value for name, value in default_context().items() if name in switches}
    flipped = {
        name
        for parts in CHOICES.values()
        for part in parts
        for name, value in part.items()
        if name in switches and value != defaults[name]
    }
    assert flipped == switches


def test_everything_that_the_cdks_own_stack_uses_is_modelled() -> None:
    shown = subprocess.run(
        [ROOT / "node_modules/.bin/cdk", "bootstrap", "--show-template"],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=True,
    )
    assert missing(loads(shown.stdout)) == set()


def test_finds_an_unmodelled_property() -> None:
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "a", "WebsiteConfiguration": {}}},
        }
    }
    assert missing(template) == {("AWS::SQS::Queue", ""), ("AWS::S3::Bucket", "WebsiteConfiguration")}


def schema(kind: str) -> dict[str, Any]:
    """Return AWS's own description of a type."""
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema
    return found


@pytest.mark.parametrize("kind", RESOURCE_TYPES.values(), ids=RESOURCE_TYPES)
def test_modelled_properties_exist_and_replace_as_on_aws(kind: ResourceType) -> None:
    described = schema(kind.name)
    pointers = [*described.get("createOnlyProperties", []), *described.get("conditionalCreateOnlyProperties", [])]
    replaced = {pointer.removeprefix("/properties/") for pointer in pointers}
    assert kind.properties <= set(described["properties"])
    assert kind.replacing == replaced & kind.properties
    assert set(described.get("required", [])) <= kind.properties
