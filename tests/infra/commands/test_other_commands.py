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
    NotAllowedError,
    NotBootstrappedError,
    NotWritableError,
    SignInError,
    WrongUseError,
)
from infra.runs import logs
from infra.runs import step as steps
from job.errors import OrchardError
from tests.error_report import values
from tests.infra.command_line import MANIFEST, orchard
from tests.infra.conftest import ACCOUNT, Deployed, FakeCall, World, fake_call, make_stack


@pytest.fixture
def attached(deployed: Deployed, world: World) -> str:
    """Attach a step to the cluster; return its id."""
    words = ["--output", f"s3://{deployed.data}/results/first"]
    return steps.attach(world.aws, deployed.cluster, steps.step_configuration("first", "s3://a", "s3://m", words))


@pytest.fixture
def prepared(aws: Aws) -> FakeCall:
    """Have CloudFormation answer that the prepared deployment changes nothing."""
    return fake_call(aws, "cloudformation.DescribeChangeSet", {"Changes": []})


@pytest.fixture
def cdk_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: Aws, prepared: FakeCall) -> Iterator[Path]:
    """Have a cdk.json that may be changed, and an account that is ready for a deployment."""
    del prepared
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
def test_status_shows_the_cluster_and_the_newest_run(deployed: Deployed, world: World) -> None:
    progress = {"schema_version": 2, "stage": "features", "done": 1700, "total": 40000}
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=json.dumps(progress).encode())
    deployed.set_step_state("RUNNING")

    orchard(world, "status")

    cluster, run = world.said
    assert values(cluster) == [deployed.cluster, "orchard-3", "RUNNING"]
    assert values(run) == ["first", "RUNNING", "1,700", "40,000"]
    assert "features" in run


@pytest.mark.usefixtures("attached")
def test_status_can_follow_a_run_of_another_user(deployed: Deployed, world: World) -> None:
    deployed.set_step_state("COMPLETED")
    body = json.dumps(MANIFEST).encode()
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/manifest.json", Body=body)

    assert orchard(world, "status", "first", "--follow") == 0
    assert world.said[-1].endswith(": orchard results first")


@pytest.mark.usefixtures("attached")
def test_status_names_the_runs_where_there_is_no_such_run(world: World) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "status", "second")

    assert raised.value.code == "ORC-250"
    assert "second" in raised.value.message
    assert "first" in raised.value.hint


def test_status_of_an_unused_cluster_says_how_to_start_a_run(deployed: Deployed, world: World) -> None:
    assert orchard(world, "status") == 0

    assert world.said[0] == f"Cluster {deployed.cluster} (orchard-3): WAITING"
    assert world.said[1].endswith(": orchard run --images photos/ --on emr")


def test_follow_needs_a_run(deployed: Deployed, world: World) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "status", "--follow")

    assert raised.value.code == "ORC-250"
    assert deployed.cluster in raised.value.message
    assert "orchard run --images photos/" in raised.value.hint


@pytest.mark.parametrize(
    ("state", "command"),
    [("COMPLETED", "orchard results first"), ("FAILED", "orchard status first --follow")],
)
@pytest.mark.usefixtures("attached")
def test_status_of_a_run_outlives_its_cluster(deployed: Deployed, world: World, state: str, command: str) -> None:
    deployed.set_step_state(state)
    deployed.set_cluster_state("TERMINATED", "USER_REQUEST: Terminated by user request")
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    body = json.dumps(MANIFEST).encode()
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/manifest.json", Body=body)

    assert orchard(world, "status", "first") == 0

    assert list(map(values, world.said)) == [
        [deployed.cluster, "orchard-3", "TERMINATED", "USER_REQUEST"],
        ["first", state],
        [command],
    ]


def test_status_without_a_cluster_says_how_to_deploy_one(world: World) -> None:
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


def test_status_of_a_forgotten_cluster_says_how_to_deploy_one(world: World, forgotten: str) -> None:
    assert orchard(world, "status") == 0

    assert f"{forgotten}: TERMINATED " in world.said[0]
    assert world.said[-1].endswith(": orchard up")


@pytest.mark.usefixtures("deployed")
def test_status_after_destroy_shows_the_newest_cluster(world: World) -> None:
    # Given a newer cluster than the one with runs, and neither is deployed now
    world.aws.cloudformation.delete_stack(StackName="OrchardCluster")
    clusters = [
        {"Id": name, "Name": "orchard-1", "Status": {"Timeline": {"CreationDateTime": datetime(2026, 11, day)}}}
        for name, day in (("j-OLD", 1), ("j-NEW", 20), ("j-MIDDLE", 10))
    ]
    fake_call(world.aws, "emr.ListClusters", {"Clusters": clusters})
    ended = {"Id": "j-NEW", "Name": "orchard-1", "Status": {"State": "TERMINATED"}}
    asked = fake_call(world.aws, "emr.DescribeCluster", {"Cluster": ended})

    assert orchard(world, "status") == 0

    assert [sent["ClusterId"] for sent in asked.sent] == ["j-NEW"]
    assert "j-NEW (orchard-1): TERMINATED" in world.said[0]
    assert not world.said[0].startswith("Cluster ")


@pytest.mark.parametrize("command", ["logs", "ui", "cancel"])
def test_a_forgotten_cluster_is_refused(world: World, forgotten: str, command: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, command)

    assert raised.value.code == "ORC-240"
    assert forgotten in raised.value.message
    assert "orchard up" in raised.value.hint


def test_status_says_why_a_cluster_ended(deployed: Deployed, world: World) -> None:
    deployed.set_cluster_state("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: on the primary node")
    key = f"emr/{deployed.cluster}/node/i-1/bootstrap-actions/1/stderr.gz"
    cause = "ERROR: No matching distribution found for numpy==1.26.4"
    log = gzip.compress(f"{cause}\n".encode())
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=log)

    orchard(world, "status")

    assert "BOOTSTRAP_FAILURE" in world.said[0]
    assert cause in world.said[1]
    assert "orchard up" in world.said[2]
    assert world.said[2].endswith(f"s3://{deployed.logs}/{key}")


@pytest.mark.usefixtures("attached")
def test_a_run_that_has_ended_is_not_cancelled(deployed: Deployed, world: World) -> None:
    deployed.set_step_state("COMPLETED")

    orchard(world, "cancel", "first")

    assert world.said[0].endswith(": COMPLETED")


def test_cancel_asks_emr_to_interrupt_the_step(deployed: Deployed, world: World, attached: str) -> None:
    cancelled = {"CancelStepsInfoList": [{"StepId": attached, "Status": "SUBMITTED"}]}
    cancel_steps = fake_call(world.aws, "emr.CancelSteps", cancelled)

    assert orchard(world, "cancel") == 0

    assert cancel_steps.sent == [
        {"ClusterId": deployed.cluster, "StepIds": [attached], "StepCancellationOption": "SEND_INTERRUPT"}
    ]
    assert world.said[0].endswith(": orchard status first")


@pytest.mark.usefixtures("deployed")
def test_a_refused_cancellation_has_emr_s_reason(world: World, attached: str) -> None:
    reason = "Step is not in a cancellable state"
    refused = {"StepId": attached, "Status": "FAILED", "Reason": reason}
    fake_call(world.aws, "emr.CancelSteps", {"CancelStepsInfoList": [refused]})

    with pytest.raises(OrchardError) as raised:
        orchard(world, "cancel")

    assert raised.value.message.endswith(reason)
    assert raised.value.hint.endswith("orchard status first")


SPARK_LOG = b"""26/11/20 10:11:12 INFO SparkContext: Running Spark version 3.5.6
\tof YARN
WARNING: Using incubator modules: jdk.incubator.vector
Found 40 photos
2026-11-20T10:11:12,345 WARN [main] Client: Neither spark.yarn.jars is set
Traceback (most recent call last):
  File "main.py", line 5
"""


@pytest.mark.parametrize(
    ("options", "shown", "hidden"),
    [([], 3, 4), (["--all"], 7, 0), (["--tail", "2"], 2, 4), (["--all", "--tail", "5"], 5, 0)],
)
def test_logs_hides_the_log_of_spark_unless_asked(
    deployed: Deployed, world: World, attached: str, options: list[str], shown: int, hidden: int
) -> None:
    key = f"emr/{deployed.cluster}/steps/{attached}/stderr.gz"
    world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=gzip.compress(SPARK_LOG))

    orchard(world, "logs", "first", *options)

    header, *lines, _all_logs = world.said
    count = [line for line in lines if line.endswith("orchard logs first --all")]
    assert header.endswith("stderr.gz <==")
    assert len(lines) - len(count) == shown
    assert [line.split()[0] for line in count] == ([str(hidden)] if hidden else [])
    assert lines[shown - 1] == '  File "main.py", line 5'


@pytest.mark.parametrize("number", ["0", "-3"])
def test_logs_refuses_a_tail_without_lines(world: World, number: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "logs", f"--tail={number}")

    assert raised.value.code == "ORC-201"


def test_logs_prints_the_job_s_output_standard_error_first(deployed: Deployed, world: World, attached: str) -> None:
    folder = f"emr/{deployed.cluster}/steps/{attached}"
    for name, text in (("stdout.gz", b"39 of 40 photos used\n"), ("stderr.gz", SPARK_LOG)):
        world.aws.s3.put_object(Bucket=deployed.logs, Key=f"{folder}/{name}", Body=gzip.compress(text))

    orchard(world, "logs", "first")

    log = SPARK_LOG.decode().splitlines()
    assert world.said[:-2] == [
        f"==> s3://{deployed.logs}/{folder}/stderr.gz <==",
        *(log[3], log[5], log[6]),
        f"==> s3://{deployed.logs}/{folder}/stdout.gz <==",
        "39 of 40 photos used",
    ]
    assert list(map(values, world.said[-2:])) == [
        ["4", "orchard logs first --all"],
        [f"s3://{deployed.logs}/emr/{deployed.cluster}/"],
    ]


def test_an_incomplete_log_is_read_as_far_as_it_goes(deployed: Deployed, world: World, attached: str) -> None:
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
def test_missing_logs_are_not_an_error(world: World) -> None:
    orchard(world, "logs")

    assert "'first'" in world.said[0]
    assert "not" in world.said[0]


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
def test_a_manifest_with_files_outside_its_folder_is_refused(
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
def test_an_evaluator_that_is_switched_off_is_refused(world: World) -> None:
    world.aws.cloudformation.delete_stack(StackName="OrchardAccess")
    make_stack(world.aws, "OrchardAccess", {})

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "evaluator", "--rotate")

    assert raised.value.code == "ORC-230"
    assert world.called == []


def test_results_of_an_unfinished_run_are_refused(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/half/progress.json", Body=b"{}")

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "results", "half")

    assert raised.value.code == "ORC-250"
    assert raised.value.hint.endswith("--name half --resume.")


@pytest.mark.parametrize(
    ("state", "fix"),
    [
        ("CANCELLED", "--name first --resume."),
        ("FAILED", "orchard status first --follow"),
        ("RUNNING", "orchard status first --follow"),
    ],
)
@pytest.mark.usefixtures("attached")
def test_results_of_a_run_without_any_depend_on_its_state(
    deployed: Deployed, world: World, state: str, fix: str
) -> None:
    deployed.set_step_state(state)
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=b"{}")

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "results", "first")

    assert raised.value.code == "ORC-250"
    assert state.lower() in raised.value.message
    assert raised.value.hint.endswith(fix)


@pytest.mark.usefixtures("attached")
def test_results_table_has_the_state_of_each_run(deployed: Deployed, world: World) -> None:
    deployed.set_step_state("CANCELLED")
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=b"{}")

    orchard(world, "results")

    assert world.said[-1].split()[:1] + world.said[-1].split()[-2:] == ["first", "emr", "cancelled"]


@pytest.mark.usefixtures("attached")
def test_results_table_says_why_it_has_no_states(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=b"{}")
    fake_call(world.aws, "emr.ListClusters", {"Error": {"Code": "AccessDeniedException", "Message": "No."}})

    assert orchard(world, "results") == 0

    (said,) = [line for line in world.said if line.startswith("States and costs are not listed: ")]
    assert said.endswith(f"[{NotAllowedError.code}]")
    assert world.said[-1].split()[0] == "first"


def test_results_suggests_the_nearest_run(deployed: Deployed, world: World) -> None:
    put_run(deployed, world, "first", "one")

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "results", "frist")

    assert raised.value.hint.startswith("Did you mean first?")


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
        ["name", "date", "(UTC)", "where", "state", "photos", "accuracy", "cost", "(USD)"],
        ["c", "2026-11-20", "09:01", "local,", "emr", "finished", "39", "98.75%"],
        ["b", "2026-11-20", "09:01", "local", "finished", "39"],
        ["b", "2026-11-20", "09:01", "emr", "finished", "39"],
        ["d", "local", "unfinished"],
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
    assert row.split()[0] == "first"
    assert row.split()[3:5] == ["local", "finished"]


@pytest.mark.parametrize("named", ["first", "results/first"])
def test_results_of_this_machine_need_no_account(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    local_run(tmp_path / "results" / "first", "one")
    terminal = io.StringIO()

    assert cli.main(["results", named], Context(no_account, terminal=terminal)) == 0

    assert terminal.getvalue().splitlines()[-1] == "Results: results/first"


@pytest.mark.parametrize("argv", [["report", "frist"], ["predict", "--results", "frist", "--images", "photos"]])
def test_the_nearest_run_of_this_machine_is_suggested(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    local_run(tmp_path / "results" / "first", "one")

    assert cli.main(argv, Context(no_account)) == 2

    assert capsys.readouterr().err.splitlines()[1].startswith("Did you mean first?")


def no_account() -> Aws:
    """Fail as without credentials."""
    raise SignInError("There is no account.", "Sign in.")


def test_evaluator_prints_how_to_sign_in_without_the_key(deployed: Deployed, world: World) -> None:
    orchard(world, "evaluator")

    fetch_key = (
        "aws secretsmanager get-secret-value --secret-id arn:secret"
        " --query SecretString --output text --region eu-west-1"
    )
    user, *lines = world.said
    assert "evaluator" in user
    assert list(map(values, lines)) == [
        [],
        [fetch_key],
        [],
        ["aws configure --profile evaluator"],
        [f"aws s3 ls --profile evaluator s3://{deployed.data}/results/"],
    ]


@pytest.mark.usefixtures("deployed")
def test_rotating_the_key_raises_its_serial_in_cdk_json(world: World, cdk_json: Path) -> None:
    orchard(world, "evaluator", "--rotate")

    settings = json.loads(cdk_json.read_text())["context"]
    assert (settings["generation"], settings["evaluator_key_serial"]) == (2, 5)
    assert world.called == [["cdk", "deploy", "OrchardAccess", "--require-approval", "never", "-c", "region=eu-west-1"]]
    assert values(world.said[0]) == ["cdk.json", "evaluator_key_serial", "5"]


@pytest.mark.usefixtures("deployed")
def test_a_rotation_that_fails_leaves_the_serial_as_it_was(world: World, cdk_json: Path) -> None:
    world.exit_codes = [1]
    before = cdk_json.read_text()

    with pytest.raises(OrchardError) as raised:
        orchard(world, "evaluator", "--rotate")

    assert cdk_json.read_text() == before
    assert raised.value.code == "ORC-231"


@pytest.mark.usefixtures("deployed")
def test_a_rotation_without_a_cdk_leaves_the_serial_as_it_was(world: World, cdk_json: Path) -> None:
    world.exit_codes = [OrchardError("The program cdk is not installed.", "Install it: make setup")]
    before = cdk_json.read_text()

    with pytest.raises(OrchardError):
        orchard(world, "evaluator", "--rotate")

    assert cdk_json.read_text() == before


@pytest.mark.usefixtures("deployed")
def test_an_interrupted_rotation_keeps_the_new_serial(world: World, cdk_json: Path) -> None:
    world.exit_codes = [KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt):
        orchard(world, "evaluator", "--rotate")

    assert json.loads(cdk_json.read_text())["context"]["evaluator_key_serial"] == 5


def test_up_deploys_the_living_cluster_as_it_is(deployed: Deployed, world: World, cdk_json: Path) -> None:
    before = cdk_json.read_text()

    orchard(world, "up")

    assert cdk_json.read_text() == before
    # Another generation, as cdk.json has it here, would replace the cluster that lives
    deploy = [
        *("cdk", "deploy", "OrchardCluster", "--require-approval", "never", "-c", "region=eu-west-1"),
        *("-c", "generation=3"),
    ]
    assert world.called == [[*deploy, "--exclusively", "--method", "prepare-change-set"], deploy]
    assert world.said[-1] == f"Cluster {deployed.cluster} (orchard-3): WAITING"


def cluster_change(replacement: str, kind: str = "AWS::EMR::Cluster") -> dict[str, Any]:
    """Return a change of a prepared deployment."""
    change = {"Action": "Modify", "ResourceType": kind, "Replacement": replacement}
    return {"Type": "Resource", "ResourceChange": change}


@pytest.mark.parametrize("replacement", ["True", "Conditional"])
def test_up_ends_a_cluster_before_it_is_replaced(
    deployed: Deployed, world: World, cdk_json: Path, prepared: FakeCall, replacement: str
) -> None:
    changes = [cluster_change("True", "AWS::EMR::SecurityConfiguration"), cluster_change(replacement)]
    prepared.answers = [{"Changes": changes}]

    orchard(world, "up", "-c", "worker_instance_types=m5.xlarge")

    assert {asked["ChangeSetName"] for asked in prepared.sent} == {"cdk-deploy-change-set"}
    # The new generation shows that the cluster had ended when the deployment started
    assert world.called[1][-4:] == ["-c", "generation=4", "-c", "worker_instance_types=m5.xlarge"]
    assert json.loads(cdk_json.read_text())["context"]["generation"] == 4
    described = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]
    assert described["Status"]["State"] == "TERMINATED"


@pytest.mark.usefixtures("cdk_json")
def test_up_keeps_a_cluster_that_is_changed_in_place(deployed: Deployed, world: World, prepared: FakeCall) -> None:
    prepared.answers = [{"Changes": [cluster_change("True", "AWS::IAM::Role"), cluster_change("False")]}]

    orchard(world, "up", "-c", "idle_minutes=60")

    assert world.called[1][-4:] == ["-c", "generation=3", "-c", "idle_minutes=60"]
    assert world.said[-1] == f"Cluster {deployed.cluster} (orchard-3): WAITING"


@pytest.mark.usefixtures("cdk_json")
def test_changes_that_cannot_be_prepared_end_no_cluster(deployed: Deployed, world: World) -> None:
    world.exit_codes = [1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "up")

    assert (raised.value.code, len(world.called)) == ("ORC-231", 1)
    described = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]
    assert described["Status"]["State"] == "WAITING"


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

    assert list(map(values, world.said[2:])) == [
        [kept],
        [f"aws s3 sync s3://{kept}/images s3://{deployed.data}/images"],
        [f"aws s3 sync s3://{kept}/results s3://{deployed.data}/results"],
        [f"aws s3 rb --force s3://{kept}"],
        [kept_logs],
        [f"aws s3 rb --force s3://{kept_logs}"],
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

    assert list(map(values, world.said[1:4])) == [
        [kept],
        [f"aws s3 sync s3://{kept}/images/fruits s3://{deployed.data}/images/fruits"],
        [f"aws s3 rb --force s3://{kept}"],
    ]
    assert "Ctrl-C" in world.said[4]
    assert world.said[-1].endswith(": orchard run --images fruits --on emr")


def test_upload_list_counts_the_photos_of_each_set(deployed: Deployed, world: World) -> None:
    for key in ("fruits/kiwi/1.jpg", "fruits/kiwi/2.PNG", "fruits/notes.txt", "shops/3.jpg"):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"images/{key}", Body=b"x" * 50_000)

    assert orchard(world, "upload", "--list") == 0

    assert [line.split()[:4] for line in world.said[1:]] == [["fruits", "2", "0.1", "MB"], ["shops", "1", "0.1", "MB"]]


@pytest.mark.usefixtures("deployed")
def test_without_sets_upload_list_names_the_command_that_uploads(world: World) -> None:
    assert orchard(world, "upload", "--list") == 0

    assert world.said[0].endswith(": orchard upload photos/")


@pytest.mark.usefixtures("kept")
def test_upload_names_no_kept_bucket_without_that_set(world: World, fruits: Path) -> None:
    orchard(world, "upload", str(fruits), "new")
    orchard(world, "upload", str(fruits), "new")

    assert not any("kept" in line for line in world.said)


@pytest.mark.usefixtures("deployed")
def test_upload_continues_without_permission_to_list_tags(world: World, fruits: Path) -> None:
    refusal = {"Code": "AccessDeniedException", "Message": "No."}
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", {"Error": refusal})

    assert orchard(world, "upload", str(fruits)) == 0

    assert values(world.said[1])[0] == "GetResources"


@pytest.mark.usefixtures("deployed", "cdk_json")
def test_up_takes_settings_in_place_of_those_of_cdk_json(world: World) -> None:
    orchard(world, "up", "-c", "core_count=4", "-c", "allow_non_eu=true")

    assert [words[-4:] for words in world.called] == [["-c", "core_count=4", "-c", "allow_non_eu=true"]] * 2


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("instanceType", "instance_types"),
        ("instanceType=m6i.xlarge", "instance_types"),
        ("core_count", "-c core_count=1"),
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
def test_an_interrupted_deployment_says_how_to_end_it(world: World) -> None:
    world.exit_codes = [0, KeyboardInterrupt()]

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


@pytest.mark.usefixtures("deployed", "cdk_json")
def test_a_failed_deployment_is_reported(world: World) -> None:
    world.exit_codes = [0, 1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "up")

    assert raised.value.code == "ORC-231"


@pytest.mark.usefixtures("cdk_json")
def test_a_failed_bootstrap_action_is_explained_by_its_log(deployed: Deployed, world: World) -> None:
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
def test_an_earlier_cluster_does_not_explain_a_failure(deployed: Deployed, world: World) -> None:
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
    assert values(world.said[0])[-2:] == ["2", "8"]


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
    assert values(world.said[0])[-2:] == ["6", "5"]


def test_a_cluster_of_fixed_size_has_no_two_limits(deployed: Deployed, world: World, fixed_size: FakeCall) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, "scale", "2", "8")

    assert fixed_size.sent == []
    assert raised.value.code == "ORC-240"
    assert deployed.cluster in raised.value.message
    assert "orchard scale 8 8" in raised.value.hint


PRIMARY = {"Id": "ci-1", "Ec2InstanceId": "i-1"}


@pytest.fixture
def pages(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeCall]:
    """Have the pages of a cluster on AWS, the history started by the first call for it, and its primary node."""
    monkeypatch.setattr(Aws, "on_this_machine", False)
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
    assert list(map(values, world.said)) == [
        ["30"],
        ["https://history"],
        [],
        ["https://live"],
        ["session_manager"],
        [forwarding],
        ["https://127.0.0.1:9443"],
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

    assert "9.03 USD" in values(world.said[-1])
    assert world.said[-1].endswith("orchard destroy")


def test_ui_reports_each_link_by_itself(deployed: Deployed, world: World, pages: dict[str, FakeCall]) -> None:
    assert deployed.cluster
    refused = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    pages["CreatePersistentAppUI"].answers = [refused]
    pages["GetOnClusterAppUIPresignedURL"].answers = [refused]

    orchard(world, "ui")

    assert [line.partition("[")[2][:7] for line in world.said[1:4:2]] == ["ORC-301", "ORC-301"]
    assert "--target i-1 " in world.said[5]


@pytest.mark.usefixtures("deployed")
def test_ui_of_a_cloud_on_this_machine_names_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aws, "on_this_machine", True)

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "ui")

    assert raised.value.hint.endswith("orchard logs")


@pytest.mark.usefixtures("pages")
def test_ui_of_a_cluster_that_has_ended_shows_its_history_alone(deployed: Deployed, world: World) -> None:
    deployed.set_cluster_state("TERMINATED")

    orchard(world, "ui")

    assert world.said[1:] == ["  https://history"]


def test_ui_without_a_primary_node_says_to_try_again(
    deployed: Deployed, world: World, pages: dict[str, FakeCall]
) -> None:
    pages["ListInstances"].answers = [{"Instances": []}]
    deployed.set_cluster_state("STARTING")

    orchard(world, "ui")

    assert "STARTING" in world.said[-1]
    assert world.said[-1].endswith(": orchard ui")


def test_a_setting_is_changed_and_nothing_else_in_the_file(cdk_json: Path) -> None:
    before = cdk_json.read_text()

    cdk.change_setting("generation", 30)

    assert cdk_json.read_text() == before.replace('"generation": 2', '"generation": 30')
    assert cdk.setting("generation") == 30


def test_a_failed_write_leaves_the_settings_whole(cdk_json: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
