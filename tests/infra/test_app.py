"""The whole environment: judged by cdk-nag and cfn-lint, and synthesised by the real command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cfnlint.api import lint

from infra.emr.bootstrap import wheelhouse
from infra.settings import NETWORKS
from tests.infra.synthesis import ROOT, Environment, Synthesise

REGIONS = ("eu-west-1", "eu-west-3")
ARCHITECTURES = {
    "x86_64": {"primary_instance_types": "m6i.xlarge", "worker_instance_types": "m6i.xlarge,m5.xlarge"},
    "aarch64": {"primary_instance_types": "m7g.xlarge", "worker_instance_types": "m7g.xlarge,m6g.xlarge"},
}
EVERYTHING: dict[str, Any] = {
    "alert_email": "owner@example.org",
    "session_manager": True,
    "jupyterhub": True,
    "tls_certificates": "s3://secrets/certificates.zip",
}
DATA = "AwsSolutions-IAM5[Resource::OrchardData:ExportsOutputFnGetAttData666C94C7Arn0D7E21B7"
LOGS = "AwsSolutions-IAM5[Resource::OrchardData:ExportsOutputFnGetAttLogs6819BB44Arn28BC796A"
HUB_REFERENCE = "arn:aws:ssm:eu-west-1:*:parameter/aws/reference/secretsmanager/JupyterHubPassword*"
ROLES = "AwsSolutions-IAM5[Resource::arn:aws:iam::*:role/aws-service-role"


def every_kind(network: str, architecture: str, region: str) -> dict[str, Any]:
    scaled = {} if network == "private" else {"managed_scaling": True}
    return {"network": network, "region": region, **ARCHITECTURES[architecture], **scaled, **EVERYTHING}


@cache
def linted(template: str, region: str) -> list[str]:
    """Return what cfn-lint says about a template; most stacks are the same in every kind of network."""
    return [str(match) for match in lint(template, regions=[region])]


def findings(environment: Environment, key: str) -> set[tuple[str, str]]:
    """Return rule and construct of every finding of one kind; our own warnings to the user are none."""
    return {
        (finding["ruleName"], place["constructPath"])
        for plugin in environment.report()["pluginReports"]
        for finding in plugin.get(key, [])
        for place in finding["violatingConstructs"]
        if not finding["ruleName"].startswith("Annotation::")
    }


def test_the_stacks_are_those_of_the_design(environment: Synthesise) -> None:
    assert environment(**EVERYTHING).stacks() == [
        "OrchardAccess",
        "OrchardBudget",
        "OrchardCluster",
        "OrchardData",
    ]


@pytest.mark.parametrize(("network", "architecture"), list(product(NETWORKS, ARCHITECTURES)))
def test_every_finding_has_an_acknowledgement(environment: Synthesise, network: str, architecture: str) -> None:
    made = environment(**every_kind(network, architecture, "eu-west-1"))
    assert findings(made, "violations") == set()


def test_cloudformations_rules_would_have_something_to_say(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    cdk.CfnResource(cdk.Stack(app, "Stack"), "Bucket", type="AWS::S3::Bucket", properties={"Colour": "red"})
    app.synth()
    assert findings(Environment(tmp_path, "eu-west-1"), "violations") == {("F3002", "Stack/Bucket")}


def test_the_acknowledged_findings_are_these_and_no_others(environment: Synthesise) -> None:
    made = environment(**every_kind("private", "x86_64", "eu-west-1"))
    node, service = (f"OrchardCluster/Permissions/{name}Role/Resource" for name in ("Node", "Service"))
    evaluator = "OrchardAccess/LookOnly/Resource"
    assert findings(made, "suppressedViolations") == {
        ("AwsSolutions-IAM5[Resource::*]", evaluator),
        (f"{DATA}/*]", evaluator),
        (f"{LOGS}/*]", evaluator),
        ("AwsSolutions-SMG4", "OrchardAccess/KeySecret/Resource"),
        ("AwsSolutions-SMG4", "OrchardCluster/JupyterHubPassword/Resource"),
        ("AwsSolutions-VPC7", "OrchardCluster/Network/Vpc/Resource"),
        ("AwsSolutions-IAM5[Resource::*]", node),
        *{(f"{DATA}/{folder}/*]", node) for folder in ("code", "images", "jupyter", "models", "notebooks", "results")},
        (f"{LOGS}/emr/*]", node),
        ("AwsSolutions-IAM5[Resource::arn:aws:s3:::prod.eu-west-1.appinfo.src/*]", node),
        (f"AwsSolutions-IAM5[Resource::{HUB_REFERENCE}]", node),
        (
            ("AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2]"),
            service,
        ),
        (f"{ROLES}/spot.amazonaws.com/AWSServiceRoleForEC2Spot*]", service),
        (f"{ROLES}/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup*]", service),
        ("AwsSolutions-EMR4", "OrchardCluster/Cluster"),
        ("AwsSolutions-EMR5", "OrchardCluster/Cluster"),
        ("AwsSolutions-EMR6", "OrchardCluster/Cluster"),
    }


def test_every_acknowledgement_gives_its_reason(environment: Synthesise) -> None:
    report = environment(**EVERYTHING).report()
    suppressed = [found for plugin in report["pluginReports"] for found in plugin.get("suppressedViolations", [])]
    assert suppressed
    assert [found["ruleName"] for found in suppressed if len(found["reason"]) < 20] == []


@pytest.mark.parametrize(("network", "architecture", "region"), list(product(NETWORKS, ARCHITECTURES, REGIONS)))
def test_cfn_lint_has_nothing_to_say(environment: Synthesise, network: str, architecture: str, region: str) -> None:
    made = environment(**every_kind(network, architecture, region))
    matches = [match for stack in made.stacks() for match in linted(made.template_file(stack).read_text(), region)]
    assert matches == []


def test_cfn_lint_misses_only_the_newest_property(environment: Synthesise) -> None:
    (match,) = linted(environment(live_logs=True).template_file("OrchardCluster").read_text(), "eu-west-1")
    assert ("E3002" in match, "'MonitoringConfiguration'" in match) == (True, True)


@pytest.fixture(scope="module")
def real_synthesis(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return a function that calls the pinned ``cdk synth``."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        wheelhouse.provide("x86_64")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        output = tmp_path_factory.mktemp("assembly")
        return subprocess.run(
            ["cdk", "synth", "--quiet", "--output", str(output), *arguments],
            cwd=ROOT,
            env={**os.environ, "PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_the_real_command_synthesises_all_stacks(real_synthesis: Callable[..., Any]) -> None:
    result = real_synthesis()
    assert result.returncode == 0, result.stderr
    assert "Successfully synthesized" in result.stdout + result.stderr
    assert "feature flags are not configured" not in result.stdout + result.stderr


def test_a_wrong_setting_ends_with_two_lines(
    real_synthesis: Callable[..., Any],
) -> None:
    result = real_synthesis("-c", "network=privat")
    lines = [line for line in result.stderr.splitlines() if line and not line.startswith("python app.py")]
    assert (result.returncode, len(lines)) == (1, 2)
    assert lines[0].endswith("'privat'. [ORC-210]")
    assert "-c network=private" in lines[1]


def test_ctrl_c_during_synthesis_prints_no_traceback(tmp_path: Path) -> None:
    # Given an import that is interrupted
    (tmp_path / "aws_cdk.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")

    ended = subprocess.run(
        [sys.executable, "app.py"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


def test_cfn_lint_would_have_something_to_say(environment: Synthesise) -> None:
    template = environment().template_file("OrchardCluster").read_text()
    (match,) = linted(template.replace("m6i.xlarge", "m6i.tiny", 1), "eu-west-1")
    assert "m6i.tiny" in match


def test_app_py_fits_on_a_screen() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 65


def test_no_setting_of_this_machine_is_in_cdk_json() -> None:
    assert set(json.loads((ROOT / "cdk.json").read_text())) == {"app", "versionReporting", "context"}
