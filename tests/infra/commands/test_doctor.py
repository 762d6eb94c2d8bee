"""Tests of orchard doctor and orchard support-bundle."""

import gzip
import json
import stat
import zipfile
from pathlib import Path

import pytest

from infra.aws import cdk, stacks
from infra.errors import AccountUnfitError, NotWritableError
from infra.runs import step as steps
from tests.error_report import values
from tests.infra.command_line import orchard
from tests.infra.conftest import ACCOUNT, Deployed, World, fake_call

SECRETS = {
    "access key": "AKIAIOSFODNN7EXAMPLE",
    "secret key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE+12",
    "password": "hunter22-of-the-hub",
    "e-mail": "owner@example.org",
    "signature": "0123abcd4567",
    "account": ACCOUNT,
}


@pytest.fixture
def cdk_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a cdk.json with an e-mail address."""
    file = tmp_path / "cdk.json"
    settings = json.loads(cdk.CDK_JSON.read_text())["context"] | {"alert_email": SECRETS["e-mail"]}
    file.write_text(json.dumps({"context": settings}))
    monkeypatch.setattr(cdk, "CDK_JSON", file)


@pytest.fixture
def step(deployed: Deployed, world: World) -> str:
    """Have a step whose arguments and log hold every secret; return its id."""
    lines = [
        f"aws_access_key_id = {SECRETS['access key']}",
        f"a value without a name: {SECRETS['secret key']}",
        f"password={SECRETS['password']}",
        f"https://b.s3.amazonaws.com/k?X-Amz-Signature={SECRETS['signature']}",
        f"s3://cdk-assets-{SECRETS['account']}-eu-west-1/x",
        "Traceback: the cause",
    ]
    words = ["--output", f"s3://{deployed.data}/results/first", "--note", " ".join(lines)]
    made = steps.attach(world.aws, deployed.cluster, steps.step_configuration("first", "s3://a", "s3://m", words))
    key = f"emr/{deployed.cluster}/steps/{made}/stderr.gz"
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=gzip.compress("\n".join(lines).encode()))
    return made


@pytest.mark.usefixtures("cdk_json")
def test_a_bundle_holds_everything_but_secrets(deployed: Deployed, world: World, step: str, tmp_path: Path) -> None:
    target = tmp_path / "fault.zip"
    refusal = {"Code": "AccessDeniedException", "Message": f"{ACCOUNT} may not."}
    fake_call(world.aws, "emr.ListInstanceFleets", {"Error": refusal})
    fake_call(world.aws, "emr.ListInstances", {"Instances": []})

    assert orchard(world, "support-bundle", "--output", str(target)) == 0

    with zipfile.ZipFile(target) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    everything = "\n".join([*files, *files.values()])
    assert {what for what, secret in SECRETS.items() if secret in everything} == set()
    assert {"versions.txt", "cdk.json", "clusters.json", "cluster/cluster.json", "cluster/steps.json"} <= set(files)
    assert files["cluster/fleets.error.txt"].endswith("or use another --profile.\n")
    for stack in ("OrchardData", "OrchardAccess", "OrchardCluster"):
        parts = (f"stacks/{stack}.json", f"stacks/{stack}.events.json", f"stacks/{stack}.template.json")
        assert set(parts) <= set(files)
    log = files[f"logs/{deployed.cluster}/steps/{step}/stderr.txt"]
    assert log.splitlines()[-1] == "Traceback: the cause"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.usefixtures("cdk_json")
def test_a_bundle_of_an_empty_account_says_so(world: World, tmp_path: Path) -> None:
    target = tmp_path / "fault.zip"

    orchard(world, "support-bundle", "--output", str(target))

    with zipfile.ZipFile(target) as archive:
        said = archive.read("stacks/OrchardCluster.txt").decode()
        assert (len(said.splitlines()), values(said)) == (1, [])


def test_a_bundle_replaces_no_file(world: World, tmp_path: Path) -> None:
    target = tmp_path / "fault.zip"
    target.write_bytes(b"mine")

    with pytest.raises(NotWritableError):
        orchard(world, "support-bundle", "--output", str(target))

    assert target.read_bytes() == b"mine"


def test_doctor_fails_where_a_check_failed(world: World) -> None:
    world.aws.client("ssm").put_parameter(Name=stacks.BOOTSTRAP_VERSION, Value="5", Type="String", Overwrite=True)
    fake_call(world.aws, "iam.SimulatePrincipalPolicy", {"EvaluationResults": []})

    with pytest.raises(AccountUnfitError) as raised:
        orchard(world, "doctor")

    (line,) = (line for line in world.said if "cdk bootstrap" in line.split("  "))
    assert line.startswith("failure")
    assert line.endswith(f"Fix: cdk bootstrap aws://{ACCOUNT}/eu-west-1")
    assert (raised.value.code, raised.value.exit_code) == ("ORC-308", 2)
