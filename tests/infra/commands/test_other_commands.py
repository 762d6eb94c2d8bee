"""Tests of orchard status, cancel, logs, ui, results, evaluator, up and scale."""

import gzip
import io
import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import cli
from infra.aws import cdk, download, stacks
from infra.aws.client import Aws
from infra.cdk_context import SettingsError
from infra.context import Context
from infra.errors import (
    InterruptedCommandError,
    NotBootstrappedError,
    NotWritableError,
    SignInError,
    WrongUseError,
)
from infra.runs import logs
from infra.runs import step as steps
from job.errors import OrchardError
from tests.infra.command_line import MANIFEST, orchard
from tests.infra.conftest import ACCOUNT, Deployed, FakeCall, World, fake_call, make_stack


@pytest.fixture
def attached(deployed: Deployed, world: World) -> str:
    """Attach a step to the cluster; return its id."""
    words = ["--output", f"s3://{deployed.data}/results/first"]
    return steps.attach(world.aws, deployed.cluster, steps.step_configuration("first", "s3://a", "s3://m", words))


@pytest.fixture
def cdk_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: Aws) -> Iterator[Path]:
    """Have a cdk.json that may be changed, and an account that is ready for a deployment."""
    aws.client("ssm").put_parameter(Name=stacks.BOOTSTRAP_VERSION, Value="28", Type="String", Overwrite=True)
    boundary = cdk.PROJECT / "docs" / "policies" / "boundary.json"
    policy = aws.client("iam").create_policy(PolicyName="OrchardBoundary", PolicyDocument=boundary.read_text())
    file = tmp_path / "cdk.json"
    settings = json.loads(cdk.CDK_JSON.read_text())["context"] | {"generation": 2, "evaluator_key_serial": 4}
    file.write_text(json.dumps({"context": settings}, indent=2))
    monkeypatch.setattr(cdk, "CDK_JSON", file)
    yield file
    aws.client("iam").delete_policy(PolicyArn=policy["Policy"]["Arn"])


@pytest.mark.usefixtures("attached")
def test_status_says_how_the_cluster_is_and_how_far_the_newest_run(deployed: Deployed, world: World) -> None:
    progress = {"schema_version": 2, "stage": "features", "done": 1700, "total": 40000}
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=json.dumps(progress).encode())
    deployed.set_step_state("RUNNING")

    orchard(world, "status")

    assert world.said == [
        f"Cluster {deployed.cluster} (orchard-3): RUNNING",
        "Run 'first': RUNNING, features 1,700 of 40,000 photos",
    ]


@pytest.mark.usefixtures("attached")
def test_status_can_follow_a_run_that_somebody_else_started(deployed: Deployed, world: World) -> None:
    deployed.set_step_state("COMPLETED")
    body = json.dumps(MANIFEST).encode()
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/manifest.json", Body=body)

    assert orchard(world, "status", "first", "--follow") == 0
    assert world.said[-1] == "Fetch them: orchard results first"


@pytest.mark.usefixtures("attached")
def test_status_names_the_runs_where_there_is_no_such_run(world: World) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "status", "second")

    assert raised.value.code == "ORC-250"
    assert "second" in raised.value.message
    assert "first" in raised.value.hint


def test_status_of_a_cluster_that_has_run_nothing_says_how_to_start(deployed: Deployed, world: World) -> None:
    assert orchard(world, "status") == 0

    assert world.said == [
        f"Cluster {deployed.cluster} (orchard-3): WAITING",
        "It has run nothing yet. Start a run: orchard run --images SET --on emr",
    ]


def test_where_nothing_has_run_nothing_can_be_followed(deployed: Deployed, world: World) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "status", "--follow")

    assert raised.value.code == "ORC-250"
    assert deployed.cluster in raised.value.message
    assert "orchard run --images SET" in raised.value.hint


@pytest.mark.parametrize(
    ("state", "next_line"),
    [
        ("COMPLETED", "Fetch its results: orchard results first"),
        ("FAILED", "See why: orchard status first --follow"),
    ],
)
@pytest.mark.usefixtures("attached")
def test_status_of_a_run_is_told_from_what_is_known_after_its_cluster_was_destroyed(
    deployed: Deployed, world: World, state: str, next_line: str
) -> None:
    deployed.set_step_state(state)
    deployed.set_cluster_state("TERMINATED", "USER_REQUEST: Terminated by user request")
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    body = json.dumps(MANIFEST).encode()
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/manifest.json", Body=body)

    assert orchard(world, "status", "first") == 0

    assert world.said == [
        f"Cluster {deployed.cluster} (orchard-3): TERMINATED USER_REQUEST: Terminated by user request",
        f"Run 'first': {state}",
        next_line,
    ]


def test_status_where_nothing_ever_stood_says_how_to_begin(world: World) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "status")

    assert raised.value.code == "ORC-240"
    assert "orchard up" in raised.value.hint


@pytest.fixture
def forgotten(deployed: Deployed, world: World) -> str:
    """Have a stack whose cluster ended so long ago that EMR has forgotten it; return the cluster's id."""
    refusal = {"Code": "InvalidRequestException", "Message": f"Cluster id '{deployed.cluster}' is not valid."}
    fake_call(world.aws, "emr.DescribeCluster", {"Error": refusal})
    return deployed.cluster


def test_status_of_a_cluster_that_emr_has_forgotten_names_the_command_that_makes_a_new_one(
    world: World, forgotten: str
) -> None:
    reason = "EMR knows no more, it forgets a cluster two months after its end"

    assert orchard(world, "status") == 0

    assert world.said == [
        f"Cluster {forgotten}: TERMINATED {reason}",
        f"The cluster is TERMINATED: {reason}.",
        "Make a new one: orchard up",
    ]


@pytest.mark.parametrize("command", ["logs", "ui", "cancel"])
def test_what_emr_has_forgotten_is_told_as_that(world: World, forgotten: str, command: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, command)

    assert raised.value.code == "ORC-240"
    assert forgotten in raised.value.message
    assert "orchard up" in raised.value.hint


def test_status_says_why_a_cluster_ended(deployed: Deployed, world: World) -> None:
    deployed.set_cluster_state("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: on the primary node")
    key = f"emr/{deployed.cluster}/node/i-1/bootstrap-actions/1/stderr.gz"
    log = gzip.compress(b"ERROR: No matching distribution found for numpy==1.26.4\n")
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=log)

    orchard(world, "status")

    assert "BOOTSTRAP_FAILURE" in world.said[0]
    assert "No matching distribution found for numpy==1.26.4" in world.said[1]
    assert "orchard up" in world.said[2]
    assert world.said[2].endswith(f"s3://{deployed.logs}/{key}")


@pytest.mark.usefixtures("attached")
def test_a_run_that_has_ended_is_not_cancelled(deployed: Deployed, world: World) -> None:
    deployed.set_step_state("COMPLETED")

    orchard(world, "cancel", "first")

    assert world.said == ["The run 'first' has ended already: COMPLETED"]


def test_cancel_asks_emr_to_interrupt_the_step(deployed: Deployed, world: World, attached: str) -> None:
    cancelled = {"CancelStepsInfoList": [{"StepId": attached, "Status": "SUBMITTED"}]}
    cancel_steps = fake_call(world.aws, "emr.CancelSteps", cancelled)

    assert orchard(world, "cancel") == 0

    assert cancel_steps.sent == [
        {"ClusterId": deployed.cluster, "StepIds": [attached], "StepCancellationOption": "SEND_INTERRUPT"}
    ]
    assert world.said == ["Asked EMR to cancel the run 'first'. See whether it has: orchard status first"]


@pytest.mark.usefixtures("deployed")
def test_a_cancellation_that_emr_refuses_is_told_with_its_reason(world: World, attached: str) -> None:
    refused = {"StepId": attached, "Status": "FAILED", "Reason": "Step is not in a cancellable state"}
    fake_call(world.aws, "emr.CancelSteps", {"CancelStepsInfoList": [refused]})

    with pytest.raises(OrchardError) as raised:
        orchard(world, "cancel")

    assert raised.value.message.endswith("Step is not in a cancellable state")
    assert raised.value.hint.endswith("orchard status first")


def test_logs_prints_what_the_driver_printed_with_standard_error_first(
    deployed: Deployed, world: World, attached: str
) -> None:
    folder = f"emr/{deployed.cluster}/steps/{attached}"
    for name, text in (("stdout.gz", b"39 of 40 photos used\n"), ("stderr.gz", b"Found 40 photos\n")):
        world.aws.s3.put_object(Bucket=deployed.logs, Key=f"{folder}/{name}", Body=gzip.compress(text))

    orchard(world, "logs", "first")

    assert world.said == [
        f"==> s3://{deployed.logs}/{folder}/stderr.gz <==",
        "Found 40 photos",
        f"==> s3://{deployed.logs}/{folder}/stdout.gz <==",
        "39 of 40 photos used",
        f"All logs of the cluster: s3://{deployed.logs}/emr/{deployed.cluster}/",
    ]


def test_a_log_that_was_pushed_before_it_was_complete_is_read_as_far_as_it_goes(
    deployed: Deployed, world: World, attached: str
) -> None:
    key = f"emr/{deployed.cluster}/steps/{attached}/stderr.gz"
    whole = gzip.compress(b"Found 40 photos\n" * 1000)
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=whole[:-8])

    orchard(world, "logs", "first")

    assert world.said[1] == "Found 40 photos"


@pytest.mark.parametrize("words", [["first"], []])
def test_logs_of_a_cluster_that_was_destroyed_are_still_there(
    deployed: Deployed, world: World, attached: str, words: list[str]
) -> None:
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    deployed.set_cluster_state("TERMINATED")
    key = f"emr/{deployed.cluster}/steps/{attached}/stderr.gz"
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=b"Found 40 photos")

    orchard(world, "logs", *words)

    assert world.said[1] == "Found 40 photos"


@pytest.mark.usefixtures("attached", "deployed")
def test_logs_that_have_not_come_yet_are_told_as_that(world: World) -> None:
    orchard(world, "logs")

    assert world.said[0] == "EMR has not brought the logs of 'first' to S3 yet: it does so every five minutes."


def test_results_are_fetched_whole_with_the_manifest_last(deployed: Deployed, world: World, tmp_path: Path) -> None:
    files = {"features": [{"path": "features/part.parquet", "rows": 3, "bytes": 7}]}
    manifest = {**MANIFEST, "run_id": "one", "files": files}
    for name, body in (("manifest.json", json.dumps(manifest).encode()), ("features/part.parquet", b"parquet")):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"results/first/{name}", Body=body)

    assert orchard(world, "results", "first", "--output", str(tmp_path / "here")) == 0

    assert (tmp_path / "here" / "features" / "part.parquet").read_bytes() == b"parquet"
    assert json.loads((tmp_path / "here" / "manifest.json").read_text()) == manifest
    assert world.said[-1] == "2 files fetched."
    # When it is called again, only the manifest travels
    orchard(world, "results", "first", "--output", str(tmp_path / "here"))
    assert world.said[-1] == "1 files fetched."


def put_run(deployed: Deployed, world: World, name: str, run_id: str, **more: Any) -> None:
    """Leave a run of one file on the cluster."""
    files = {"features": [{"path": "features/part.parquet", "rows": 1, "bytes": 3}]}
    manifest = {**MANIFEST, "run_id": run_id, "files": files, "finished": "2026-11-20T09:01:02Z", **more}
    for file, body in (("features/part.parquet", b"xyz"), ("manifest.json", json.dumps(manifest).encode())):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"results/{name}/{file}", Body=body)


@pytest.mark.parametrize("file", ["manifest.json", "progress.json"])
def test_fetching_never_replaces_another_run(
    deployed: Deployed, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    # Given a run on this machine, finished or not, with the name of one on the cluster
    monkeypatch.chdir(tmp_path)
    put_run(deployed, world, "first", "theirs")
    (tmp_path / "results" / "first").mkdir(parents=True)
    (tmp_path / "results" / "first" / file).write_text('{"run_id": "ours"}')

    with pytest.raises(NotWritableError) as raised:
        orchard(world, "results", "first")

    assert [path.name for path in (tmp_path / "results" / "first").iterdir()] == [file]
    command = raised.value.hint.partition(": ")[2].partition(";")[0]
    assert orchard(world, *shlex.split(command)[1:]) == 0
    assert (tmp_path / "results" / "first-2" / "features" / "part.parquet").read_bytes() == b"xyz"


def test_overwrite_replaces_another_run_and_nothing_else(
    deployed: Deployed, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put_run(deployed, world, "first", "theirs")
    folder = tmp_path / "results" / "first"
    (folder / "features").mkdir(parents=True)
    for file in ("manifest.json", "features/old.parquet", "notes.txt"):
        (folder / file).write_text('{"run_id": "ours"}')

    assert orchard(world, "results", "first", "--overwrite") == 0

    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert files == {"manifest.json", "features/part.parquet", "notes.txt"}


def test_overwrite_never_replaces_a_folder_without_a_run(deployed: Deployed, world: World, tmp_path: Path) -> None:
    put_run(deployed, world, "first", "theirs")
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "source.py").write_text("code")

    with pytest.raises(NotWritableError) as raised:
        orchard(world, "results", "first", "--output", str(tmp_path), "--overwrite")

    assert raised.value.code == "ORC-261"
    assert (tmp_path / "features" / "source.py").read_text() == "code"


def test_an_interrupted_fetch_never_mixes_two_runs(
    deployed: Deployed, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a fetch that stopped after a file, and a later run of the same name with files of the same size
    monkeypatch.chdir(tmp_path)
    put_run(deployed, world, "first", "one")
    with monkeypatch.context() as patched:
        patched.setattr("infra.runs.fetch.download", _interrupt_at_manifest)
        with pytest.raises(KeyboardInterrupt):
            orchard(world, "results", "first")
    put_run(deployed, world, "first", "two")

    with pytest.raises(NotWritableError):
        orchard(world, "results", "first")

    assert orchard(world, "results", "first", "--overwrite") == 0
    assert world.said[-1] == "2 files fetched."


def _interrupt_at_manifest(aws: Aws, bucket: str, key: str, file: Path) -> None:
    if file.name == "manifest.json":
        raise KeyboardInterrupt
    download(aws, bucket, key, file)


def test_fetching_the_same_run_again_refreshes_it(
    deployed: Deployed, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put_run(deployed, world, "first", "one")
    for _ in range(2):
        orchard(world, "results", "first")
        (tmp_path / "results" / "first" / "features" / "part.parquet").unlink()

    orchard(world, "results", "first")

    assert (tmp_path / "results" / "first" / "features" / "part.parquet").read_bytes() == b"xyz"


@pytest.mark.parametrize("path", ["../outside.txt", "features/../../outside.txt", "/tmp/outside.txt"])  # noqa: S108 - never made
def test_a_manifest_that_lists_files_outside_of_its_folder_is_refused_and_nothing_is_written(
    deployed: Deployed, world: World, tmp_path: Path, path: str
) -> None:
    manifest = {**MANIFEST, "run_id": "one", "files": {"features": [{"path": path, "rows": 1, "bytes": 3}]}}
    for key, body in (("manifest.json", json.dumps(manifest).encode()), (path, b"xyz")):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"results/first/{key}", Body=body)

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "results", "first", "--output", str(tmp_path / "here"))

    assert raised.value.code == "ORC-260"
    assert path in raised.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("deployed")
def test_the_evaluator_that_is_switched_off_is_told_as_that(world: World) -> None:
    world.aws.cloudformation.delete_stack(StackName="OrchardAccess")
    make_stack(world.aws, "OrchardAccess", {})

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "evaluator", "--rotate")

    assert raised.value.code == "ORC-230"
    assert world.called == []


def test_results_of_an_unfinished_run_are_told_as_that(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/half/progress.json", Body=b"{}")

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "results", "half")

    assert raised.value.code == "ORC-250"
    assert raised.value.hint.endswith("orchard status half --follow")


def test_results_lists_runs_of_both_places_in_one_table(
    deployed: Deployed, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put_run(deployed, world, "c", "one", classifier={"accuracy": 0.9875})
    put_run(deployed, world, "b", "two")
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/a/progress.json", Body=b"{}")
    local_run(tmp_path / "results" / "b", "another")
    local_run(tmp_path / "results" / "c", "one", classifier={"accuracy": 0.9875})
    (tmp_path / "results" / "d").mkdir()
    (tmp_path / "results" / "d" / "progress.json").write_text("{}")

    orchard(world, "results")

    assert [line.split() for line in world.said] == [
        ["name", "where", "state", "photos", "accuracy", "date"],
        ["d", "local", "unfinished"],
        ["c", "local,", "emr", "finished", "39", "98.75%", "2026-11-20", "09:01"],
        ["b", "local", "finished", "39", "2026-11-20", "09:01"],
        ["b", "emr", "finished", "39", "2026-11-20", "09:01"],
        ["a", "emr", "unfinished"],
    ]


def local_run(folder: Path, run_id: str, **more: Any) -> None:
    """Leave a run of this machine."""
    folder.mkdir(parents=True)
    content = {**MANIFEST, "run_id": run_id, "finished": "2026-11-20T09:01:02Z", **more}
    (folder / "manifest.json").write_text(json.dumps(content))


def test_results_without_an_account_lists_the_local_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    local_run(tmp_path / "results" / "first", "one")
    terminal = io.StringIO()

    assert cli.main(["results"], Context(no_account, terminal=terminal)) == 0

    reason, _header, row = terminal.getvalue().splitlines()
    assert "no account" in reason
    assert row.split()[:3] == ["first", "local", "finished"]


@pytest.mark.parametrize("named", ["first", "results/first"])
def test_results_of_this_machine_need_no_account(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    local_run(tmp_path / "results" / "first", "one")
    terminal = io.StringIO()

    assert cli.main(["results", named], Context(no_account, terminal=terminal)) == 0

    assert terminal.getvalue().splitlines()[-1] == "Results: results/first"


def no_account() -> Aws:
    """Fail as without credentials."""
    raise SignInError("There is no account.", "Sign in.")


def test_the_evaluators_way_in_is_told_without_the_key(deployed: Deployed, world: World) -> None:
    orchard(world, "evaluator")

    fetch_key = (
        "aws secretsmanager get-secret-value --secret-id arn:secret"
        " --query SecretString --output text --region eu-west-1"
    )
    assert world.said == [
        "The evaluator is the IAM user evaluator: reads both buckets, changes nothing.",
        "The key lies in Secrets Manager. Whoever may read it hands it over with:",
        f"  {fetch_key}",
        "The evaluator then types:",
        "  aws configure --profile evaluator",
        f"  aws s3 ls --profile evaluator s3://{deployed.data}/results/",
    ]


@pytest.mark.usefixtures("deployed")
def test_rotating_the_key_raises_its_serial_where_the_next_deployment_looks(world: World, cdk_json: Path) -> None:
    orchard(world, "evaluator", "--rotate")

    settings = json.loads(cdk_json.read_text())["context"]
    assert (settings["generation"], settings["evaluator_key_serial"]) == (2, 5)
    assert world.called == [["cdk", "deploy", "OrchardAccess", "--require-approval", "never", "-c", "region=eu-west-1"]]
    assert world.said[0] == "cdk.json now says evaluator_key_serial 5."


@pytest.mark.usefixtures("deployed")
def test_a_rotation_that_fails_leaves_the_serial_as_it_was(world: World, cdk_json: Path) -> None:
    world.exit_codes = [1]
    before = cdk_json.read_text()

    with pytest.raises(OrchardError) as raised:
        orchard(world, "evaluator", "--rotate")

    assert cdk_json.read_text() == before
    assert raised.value.message == (
        "OrchardAccess could not be deployed; the CDK's own message is above. The old key still works."
    )


@pytest.mark.usefixtures("deployed")
def test_a_rotation_without_a_cdk_leaves_the_serial_as_it_was(world: World, cdk_json: Path) -> None:
    world.exit_codes = [OrchardError("The program cdk is not installed.", "Install it: make setup")]
    before = cdk_json.read_text()

    with pytest.raises(OrchardError):
        orchard(world, "evaluator", "--rotate")

    assert cdk_json.read_text() == before


@pytest.mark.usefixtures("deployed")
def test_a_rotation_that_is_interrupted_keeps_the_serial_that_cloudformation_goes_on_with(
    world: World, cdk_json: Path
) -> None:
    world.exit_codes = [KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt):
        orchard(world, "evaluator", "--rotate")

    assert json.loads(cdk_json.read_text())["context"]["evaluator_key_serial"] == 5


def test_up_deploys_the_living_cluster_as_it_is(deployed: Deployed, world: World, cdk_json: Path) -> None:
    before = cdk_json.read_text()

    orchard(world, "up")

    assert cdk_json.read_text() == before
    # Another generation, as cdk.json has it here, would replace the cluster that lives
    assert world.called == [
        [
            *("cdk", "deploy", "OrchardCluster", "--require-approval", "never", "-c", "region=eu-west-1"),
            *("-c", "generation=3"),
        ]
    ]
    assert world.said[-1] == f"Cluster {deployed.cluster} (orchard-3): WAITING"


@pytest.mark.usefixtures("cdk_json")
def test_up_names_a_bucket_that_an_earlier_destroy_has_kept(deployed: Deployed, world: World) -> None:
    kept = f"kept-{deployed.data}"
    kept_logs = f"kept-{deployed.logs}"
    for bucket, key in ((kept, "images/fruits/1.jpg"), (kept_logs, "emr/j-1/log.gz")):
        world.aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        world.aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    world.aws.s3.put_object(Bucket=kept, Key="results/first/manifest.json", Body=b"{}")
    tagged = [f"arn:aws:s3:::{bucket}" for bucket in (kept, kept_logs, "gone-since", deployed.data)]
    listed = {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in tagged]}
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", listed)

    orchard(world, "up")

    assert world.said[2:] == [
        f"The bucket {kept} is kept from an earlier deployment.",
        f"  take over: aws s3 sync s3://{kept}/images s3://{deployed.data}/images",
        f"  take over: aws s3 sync s3://{kept}/results s3://{deployed.data}/results",
        f"  delete:    aws s3 rb --force s3://{kept}",
        f"The bucket {kept_logs} is kept from an earlier deployment.",
        f"  delete:    aws s3 rb --force s3://{kept_logs}",
    ]
    everything: Any = boto3.resource("s3")
    for bucket in (kept, kept_logs):
        everything.Bucket(bucket).objects.delete()
        world.aws.s3.delete_bucket(Bucket=bucket)


@pytest.fixture
def kept(deployed: Deployed, world: World) -> Iterator[str]:
    """Have a bucket that an earlier destroy has kept, with a set of photos; return its name."""
    name = f"kept-{deployed.data}"
    world.aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    world.aws.s3.put_object(Bucket=name, Key="images/fruits/1.jpg", Body=b"x")
    listed = {"ResourceTagMappingList": [{"ResourceARN": f"arn:aws:s3:::{name}"}]}
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", listed)
    yield name
    world.aws.s3.delete_object(Bucket=name, Key="images/fruits/1.jpg")
    world.aws.s3.delete_bucket(Bucket=name)


@pytest.fixture
def fruits(tmp_path: Path) -> Path:
    """Return a folder with one photo."""
    (tmp_path / "fruits" / "kiwi").mkdir(parents=True)
    (tmp_path / "fruits" / "kiwi" / "1.jpg").write_bytes(b"x")
    return tmp_path / "fruits"


def test_upload_names_a_kept_bucket_that_has_the_set_already(
    deployed: Deployed, world: World, kept: str, fruits: Path
) -> None:
    orchard(world, "upload", str(fruits))

    assert world.said[1:5] == [
        f"The bucket {kept}, kept from an earlier deployment, has a set of this name already.",
        f"  take over: aws s3 sync s3://{kept}/images/fruits s3://{deployed.data}/images/fruits",
        f"  delete:    aws s3 rb --force s3://{kept}",
        "The upload goes on. Ctrl-C ends it: what has been taken over will not be sent again.",
    ]
    assert world.said[-1] == "Next: orchard run --images fruits --on emr"


@pytest.mark.usefixtures("kept")
def test_upload_says_nothing_of_a_kept_bucket_where_the_set_is_new_or_here_already(world: World, fruits: Path) -> None:
    orchard(world, "upload", str(fruits), "new")
    orchard(world, "upload", str(fruits), "new")

    assert not any("kept" in line for line in world.said)


@pytest.mark.usefixtures("deployed")
def test_upload_goes_on_where_the_account_does_not_tell_of_kept_buckets(world: World, fruits: Path) -> None:
    refusal = {"Code": "AccessDeniedException", "Message": "No."}
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", {"Error": refusal})

    assert orchard(world, "upload", str(fruits)) == 0

    assert world.said[1] == (
        "Whether a bucket of an earlier deployment holds this set is not known. "
        "Could not look for anything that is left: GetResources is not allowed. No."
    )


@pytest.mark.usefixtures("deployed", "cdk_json")
def test_up_takes_settings_in_place_of_those_of_cdk_json(world: World) -> None:
    orchard(world, "up", "-c", "core_count=4", "-c", "allow_non_eu=true")

    assert world.called[0][-4:] == ["-c", "core_count=4", "-c", "allow_non_eu=true"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("instanceType", "instance_types"),
        ("instanceType=m6i.xlarge", "instance_types"),
        ("core_count", "-c core_count=VALUE"),
        ("core_count=", "-c core_count=1"),
        ("=4", "core_count"),
        ("region=us-east-1", "--region"),
        ("generation=9", "Leave it out"),
    ],
)
@pytest.mark.usefixtures("cdk_json")
def test_up_refuses_a_malformed_setting_before_it_deploys(world: World, given: str, hint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        orchard(world, "up", "-c", given)

    assert hint in raised.value.hint
    assert world.called == []


@pytest.mark.usefixtures("cdk_json")
def test_up_refuses_a_region_outside_the_eu_before_it_deploys(world: World) -> None:
    world.aws = Aws("us-east-1")

    with pytest.raises(SettingsError):
        orchard(world, "up")

    assert world.called == []


@pytest.mark.usefixtures("cdk_json")
def test_up_names_the_command_that_bootstraps(world: World) -> None:
    world.aws.client("ssm").delete_parameter(Name=stacks.BOOTSTRAP_VERSION)

    with pytest.raises(NotBootstrappedError) as raised:
        orchard(world, "up")

    assert raised.value.hint.endswith(f"cdk bootstrap aws://{ACCOUNT}/eu-west-1")
    assert world.called == []


@pytest.mark.usefixtures("deployed", "cdk_json")
def test_an_interrupted_deployment_names_the_command_that_ends_it(world: World) -> None:
    world.exit_codes = [KeyboardInterrupt()]

    with pytest.raises(InterruptedCommandError) as raised:
        orchard(world, "up")

    assert raised.value.hint.endswith("orchard destroy")


@pytest.mark.usefixtures("attached", "cdk_json")
def test_up_leaves_a_cluster_alone_that_is_busy(deployed: Deployed, world: World) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "up")

    assert raised.value.code == "ORC-240"
    assert deployed.cluster in raised.value.message
    assert world.called == []


@pytest.mark.usefixtures("deployed", "cdk_json")
def test_up_deploys_where_a_first_deployment_has_failed(world: World) -> None:
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    make_stack(world.aws, "OrchardCluster", {})

    with pytest.raises(OrchardError):
        orchard(world, "up")

    assert world.called[0][:3] == ["cdk", "deploy", "OrchardCluster"]


def test_up_makes_a_new_cluster_where_the_old_one_ended_itself(
    deployed: Deployed, world: World, cdk_json: Path
) -> None:
    deployed.set_cluster_state("TERMINATED", "ALL_STEPS_COMPLETED: idle")

    orchard(world, "up")

    # The dead cluster is of generation 3, whatever cdk.json said
    assert json.loads(cdk_json.read_text())["context"]["generation"] == 4
    assert world.said[1] == "Making a new one: cdk.json now says generation 4."


@pytest.mark.usefixtures("deployed", "cdk_json")
def test_a_deployment_that_fails_is_told(world: World) -> None:
    world.exit_codes = [1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "up")

    assert raised.value.code == "ORC-231"


@pytest.mark.usefixtures("cdk_json")
def test_a_deployment_that_fails_in_the_bootstrap_action_is_told_by_its_log(deployed: Deployed, world: World) -> None:
    deployed.set_cluster_state("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: on the primary node")
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    cdk.change_setting("generation", 3)
    key = f"emr/{deployed.cluster}/node/i-1/bootstrap-actions/1/stderr.gz"
    log = gzip.compress(b"bootstrap: FAILED while importing pyarrow\n")
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=log)
    world.exit_codes = [1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "up")

    assert "FAILED while importing pyarrow" in raised.value.message


@pytest.mark.usefixtures("cdk_json")
def test_a_deployment_that_fails_is_not_told_by_a_cluster_that_failed_earlier(deployed: Deployed, world: World) -> None:
    # Given a cluster of the same generation that failed a year ago
    deployed.set_cluster_state("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: on the primary node")
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    cdk.change_setting("generation", 3)
    created = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]["Status"]["Timeline"]
    a_year = timedelta(days=365).total_seconds()
    world.slept = [created["CreationDateTime"].timestamp() + a_year - world.context().clock()]
    world.exit_codes = [1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "up")

    assert raised.value.code == "ORC-231"


def test_a_log_that_was_pushed_before_a_step_ended_has_not_come(
    deployed: Deployed, world: World, attached: str
) -> None:
    key = f"emr/{deployed.cluster}/steps/{attached}/stderr.gz"
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=b"features 100 of 200")
    log_uri, now = f"s3://{deployed.logs}/emr/", datetime.now(UTC)

    def has_come(ended: datetime) -> bool:
        return logs.has_come(world.aws, log_uri, deployed.cluster, attached, ended)

    assert has_come(now - timedelta(minutes=1))
    assert not has_come(now + timedelta(minutes=1))


@pytest.mark.parametrize(("least", "most"), [("0", "3"), ("5", "3")])
@pytest.mark.usefixtures("deployed")
def test_impossible_limits_are_refused(world: World, least: str, most: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "scale", least, most)

    assert raised.value.code == "ORC-201"


def test_limits_of_a_cluster_that_scales_are_changed_in_place(deployed: Deployed, world: World) -> None:
    limits = {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 4}
    policy = {"ManagedScalingPolicy": {"ComputeLimits": {**limits, "MaximumCoreCapacityUnits": 1}}}
    get_policy = fake_call(world.aws, "emr.GetManagedScalingPolicy", policy)
    put_policy = fake_call(world.aws, "emr.PutManagedScalingPolicy", {})

    orchard(world, "scale", "2", "8")

    wanted = {
        "UnitType": "InstanceFleetUnits",
        "MinimumCapacityUnits": 2,
        "MaximumCapacityUnits": 8,
        "MaximumCoreCapacityUnits": 1,
    }
    assert get_policy.sent == [{"ClusterId": deployed.cluster}]
    assert put_policy.sent == [{"ClusterId": deployed.cluster, "ManagedScalingPolicy": {"ComputeLimits": wanted}}]
    assert world.said == [f"EMR keeps the cluster {deployed.cluster} between 2 and 8 nodes."]


@pytest.fixture
def fixed_size(world: World) -> FakeCall:
    """Have a cluster of fixed size, 1 core and 2 task nodes, one on Spot; return the call that changes it."""
    fleets = [
        {"Id": "if-core", "InstanceFleetType": "CORE", "TargetOnDemandCapacity": 1, "TargetSpotCapacity": 0},
        {
            "Id": "if-task",
            "InstanceFleetType": "TASK",
            "TargetOnDemandCapacity": 1,
            "TargetSpotCapacity": 1,
            "LaunchSpecifications": {
                "SpotSpecification": {"TimeoutDurationMinutes": 10, "TimeoutAction": "SWITCH_TO_ON_DEMAND"}
            },
        },
    ]
    fake_call(world.aws, "emr.GetManagedScalingPolicy", {})
    fake_call(world.aws, "emr.ListInstanceFleets", {"InstanceFleets": fleets})
    return fake_call(world.aws, "emr.ModifyInstanceFleet", {})


def test_a_cluster_of_fixed_size_gets_more_task_nodes(deployed: Deployed, world: World, fixed_size: FakeCall) -> None:
    orchard(world, "scale", "6", "6")

    fleet = {"InstanceFleetId": "if-task", "TargetOnDemandCapacity": 1, "TargetSpotCapacity": 4}
    assert fixed_size.sent == [{"ClusterId": deployed.cluster, "InstanceFleet": fleet}]
    assert world.said == [f"The cluster {deployed.cluster} is on its way to 6 nodes, 5 of them task nodes."]


def test_a_cluster_of_fixed_size_has_no_two_limits(deployed: Deployed, world: World, fixed_size: FakeCall) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "scale", "2", "8")

    assert fixed_size.sent == []
    assert raised.value.code == "ORC-240"
    assert deployed.cluster in raised.value.message
    assert "orchard scale 8 8" in raised.value.hint


PRIMARY = {"Id": "ci-1", "Ec2InstanceId": "i-1"}


@pytest.fixture
def pages(world: World) -> dict[str, FakeCall]:
    """Have the pages of a cluster, the history started by the first call for it, and its primary node."""
    link = {"PresignedURLReady": True, "PresignedURL": "https://history"}
    answers: dict[str, list[dict[str, Any]]] = {
        "CreatePersistentAppUI": [{"PersistentAppUIId": "p-1"}],
        "GetPersistentAppUIPresignedURL": [{"PresignedURLReady": False}, link],
        "GetOnClusterAppUIPresignedURL": [{"PresignedURLReady": True, "PresignedURL": "https://live"}],
        "ListInstances": [{"Instances": [PRIMARY]}],
    }
    return {name: fake_call(world.aws, f"emr.{name}", *given) for name, given in answers.items()}


def test_ui_shows_links_and_the_way_to_jupyterhub(deployed: Deployed, world: World, pages: dict[str, FakeCall]) -> None:
    orchard(world, "ui")

    forwarding = (
        "aws ssm start-session --target i-1 --document-name AWS-StartPortForwardingSession "
        "--parameters portNumber=9443,localPortNumber=9443 --region eu-west-1"
    )
    assert world.said == [
        "Spark's history, which stays for 30 days after the cluster has ended:",
        "  https://history",
        "Spark's pages on the cluster:",
        "  https://live",
        "JupyterHub, where the settings session_manager and jupyterhub are on:",
        f"  {forwarding}",
        "  then open https://127.0.0.1:9443",
    ]
    assert world.slept == [5.0]
    arn = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]["ClusterArn"]
    assert {name: call.sent[-1] for name, call in pages.items()} == {
        "CreatePersistentAppUI": {"TargetResourceArn": arn},
        "GetPersistentAppUIPresignedURL": {"PersistentAppUIId": "p-1", "PersistentAppUIType": "SHS"},
        "GetOnClusterAppUIPresignedURL": {"ClusterId": deployed.cluster, "OnClusterAppUIType": "SparkHistoryServer"},
        "ListInstances": {
            "ClusterId": deployed.cluster,
            "InstanceFleetType": "MASTER",
            "InstanceStates": ["RUNNING", "BOOTSTRAPPING"],
        },
    }


def test_status_of_an_ended_cluster_names_the_standing_cost(deployed: Deployed, world: World) -> None:
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    make_stack(world.aws, "OrchardCluster", {"ClusterId": deployed.cluster, "StandingUsdAMonth": "9.03"})
    deployed.set_cluster_state("TERMINATED", "USER_REQUEST: idle")

    orchard(world, "status")

    assert "9.03 USD a month" in world.said[-1]
    assert world.said[-1].endswith("orchard destroy")


def test_ui_reports_each_link_by_itself(deployed: Deployed, world: World, pages: dict[str, FakeCall]) -> None:
    assert deployed.cluster
    refused = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    pages["CreatePersistentAppUI"].answers = [refused]
    pages["GetOnClusterAppUIPresignedURL"].answers = [refused]

    orchard(world, "ui")

    assert [line.partition("[")[2][:7] for line in world.said[1:4:2]] == ["ORC-301", "ORC-301"]
    assert "--target i-1 " in world.said[5]


@pytest.mark.usefixtures("pages")
def test_ui_of_a_cluster_that_has_ended_shows_its_history_alone(deployed: Deployed, world: World) -> None:
    deployed.set_cluster_state("TERMINATED")

    orchard(world, "ui")

    assert world.said[1:] == ["  https://history"]


def test_ui_of_a_cluster_without_a_primary_node_says_when_to_ask_again(
    deployed: Deployed, world: World, pages: dict[str, FakeCall]
) -> None:
    pages["ListInstances"].answers = [{"Instances": []}]
    deployed.set_cluster_state("STARTING")

    orchard(world, "ui")

    assert world.said[-1] == "  the cluster is STARTING and has no primary node yet; ask again: orchard ui"


def test_a_setting_is_changed_and_nothing_else_in_the_file(cdk_json: Path) -> None:
    before = cdk_json.read_text()

    cdk.change_setting("generation", 30)

    assert cdk_json.read_text() == before.replace('"generation": 2', '"generation": 30')
    assert cdk.setting("generation") == 30


def test_a_change_that_cannot_be_written_leaves_the_settings_whole(
    cdk_json: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cdk_json.read_text()

    def half(file: Path, text: str) -> int:
        with file.open("w") as stream:
            stream.write(text[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="No space left"):
        cdk.change_setting("generation", 30)

    assert cdk_json.read_text() == before


@pytest.mark.usefixtures("cdk_json")
def test_a_missing_setting_is_named() -> None:
    with pytest.raises(OrchardError) as raised:
        cdk.setting("coffee_minutes")

    assert "coffee_minutes" in raised.value.message


class Terminal(io.StringIO):
    """A terminal that can show a bar."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("attached")
def test_a_stage_that_counts_only_later_gets_its_bar_then(deployed: Deployed, world: World) -> None:
    # Given a stage that has not counted its photos when it is first seen
    counts = [(0, 0), (700, 40_000), (1_700, 40_000)]

    def advance(count: int) -> None:
        if count == len(counts):
            deployed.set_step_state("COMPLETED")
            key, body = "results/first/manifest.json", json.dumps(MANIFEST).encode()
        else:
            done, total = counts[count]
            content = {"schema_version": 2, "stage": "features", "done": done, "total": total}
            key, body = "results/first/progress.json", json.dumps(content).encode()
        world.aws.s3.put_object(Bucket=deployed.data, Key=key, Body=body)

    world.terminal = Terminal()
    world.during_sleep = advance

    assert orchard(world, "status", "--follow") == 0

    shown = world.terminal.getvalue()
    assert "RUNNING, features\n" in shown
    assert "| 700/40000 [" in shown
    assert "| 1700/40000 [" in shown
    assert "COMPLETED\n" in shown
