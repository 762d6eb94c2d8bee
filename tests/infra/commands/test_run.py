"""Tests of orchard run: from the checks before anything is spent to the end of the step."""

import argparse
import gzip
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import cli, commandline
from infra.aws.client import Aws
from infra.commands import Command, run
from infra.commands.run import PREDICT, RUN
from infra.context import Context
from infra.errors import SignInError
from infra.pricing import BENCHMARK
from infra.runs import step as steps
from infra.runs.clusters import most_executors
from infra.upload import make_bundle, set_uri
from job import options as job_options
from job.arguments import Arguments, PredictArguments
from job.errors import OrchardError, TryAgainError
from tests.error_report import told, values
from tests.infra.command_line import MANIFEST, orchard
from tests.infra.conftest import Deployed, World, fake_call
from tests.infra.fake_price_list import FakePriceList


@pytest.fixture
def photos(deployed: Deployed, world: World) -> None:
    """Upload two photos and something else."""
    for name in ("Training/Kiwi/1.jpg", "Training/Pear/2.PNG", "Training/notes.txt"):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"images/fruits/{name}", Body=b"12345")


@pytest.fixture(autouse=True)
def prices(world: World) -> None:
    """Let AWS tell prices: moto has none, and what asks it in vain tries again and again."""
    price_list = FakePriceList()
    price_list.add_region("eu-west-1", "m5.xlarge", ec2="0.214", emr="0.048", spot="0.09")
    for operation in ("pricing.GetProducts", "ec2.DescribeSpotPriceHistory"):
        world.aws._session.events.register(f"before-call.{operation}", price_list.answer)  # type: ignore[arg-type]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have an exported backbone, without the seconds of exporting one."""
    exported = tmp_path / "backbone.tflite"
    exported.write_bytes(b"model")
    monkeypatch.setattr(run, "cached_export", lambda _request: exported)
    return exported


def finish(deployed: Deployed, world: World, name: str = "first") -> None:
    deployed.set_step_state("COMPLETED")
    put_manifest(deployed, world, name)


def put_manifest(deployed: Deployed, world: World, name: str = "first") -> None:
    world.aws.s3.put_object(
        Bucket=deployed.data, Key=f"results/{name}/manifest.json", Body=json.dumps(MANIFEST).encode()
    )


@pytest.mark.usefixtures("photos", "model")
def test_a_run_is_sent_attached_and_followed_to_its_end(deployed: Deployed, world: World) -> None:
    world.during_sleep = lambda count: finish(deployed, world) if count == 1 else None

    code = orchard(
        world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--variance", "0.9", "--no-csv"
    )

    bundle, output = make_bundle(), f"s3://{deployed.data}/results/first"
    assert code == 0
    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]
    assert step["Name"] == "orchard first"
    assert step["ActionOnFailure"] == "CONTINUE"
    assert step["Config"]["Jar"] == "command-runner.jar"
    assert step["Config"]["Args"] == [
        *("spark-submit", "--deploy-mode", "client", "--name", "orchard first"),
        *("--py-files", f"s3://{deployed.data}/{bundle.keys[0]}", f"s3://{deployed.data}/{bundle.keys[1]}"),
        f"--images=s3://{deployed.data}/images/fruits/Training",
        f"--output={output}",
        f"--model=s3://{deployed.data}/models/{MODEL_HASH}.tflite",
        *("--variance=0.9", "--no-csv"),
    ]
    assert list(map(values, world.said)) == [
        [f"s3://{deployed.data}/images/fruits/Training", "2", "0.0 MB"],
        ["1", "1", ".txt"],
        ["Kiwi", "Pear"],
        ["0:01:00", "0.01 USD", "0:16:00", "0.22 USD", *values(BENCHMARK.basis)],
        [f"s3://{deployed.data}/models/{MODEL_HASH}.tflite"],
        [bundle.hash],
        ["first", step["Id"], deployed.cluster],
        ["RUNNING"],
        ["COMPLETED"],
        ["39", "40", "1"],
        ["10"],
        ["5", "95.10%", "80%", "2", "90%", "4", "95%", "5", "99%", "9"],
        [output],
        ["orchard results first"],
    ]
    assert [line.endswith(": sent") for line in world.said[4:6]] == [True, True]


MODEL_HASH = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
"""SHA-256 of b"model"."""


@pytest.mark.usefixtures("photos", "model")
def test_a_second_run_sends_nothing_again_and_takes_another_name(deployed: Deployed, world: World) -> None:
    orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--detach")
    second = World(world.aws)

    code = orchard(second, "run", "--on", "emr", "--images", "fruits/Training", "--detach")

    assert code == 0
    assert list(map(values, second.said[4:6])) == [
        [f"s3://{deployed.data}/models/{MODEL_HASH}.tflite"],
        [make_bundle().hash],
    ]
    assert [line.endswith(": already uploaded") for line in second.said[4:6]] == [True, True]
    assert second.said[-1].endswith(": orchard status 20260921T141320Z --follow")


def test_a_folder_in_a_set_may_have_a_name_that_no_set_may_have() -> None:
    assert set_uri("data", "fruits/Apple Red 1") == "s3://data/images/fruits/Apple Red 1"
    assert set_uri("data", "s3://elsewhere/x") == "s3://elsewhere/x"


@pytest.mark.usefixtures("photos", "model")
def test_spark_may_use_every_node_of_a_resized_cluster(deployed: Deployed, world: World) -> None:
    # Given a cluster in fleets, as our stack makes them, that was allowed to grow since its deployment
    described = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]
    told = {name: described[name] for name in ("Id", "Name", "Status", "LogUri")}
    in_fleets = {**told, "InstanceCollectionType": "INSTANCE_FLEET"}
    types = [{"InstanceType": "m5.xlarge"}, {"InstanceType": "m5.2xlarge"}]
    fleets = [
        {"Id": "if-1", "InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1},
        {"Id": "if-2", "InstanceFleetType": "CORE", "TargetOnDemandCapacity": 1, "InstanceTypeSpecifications": types},
        {"Id": "if-3", "InstanceFleetType": "TASK", "TargetSpotCapacity": 2, "InstanceTypeSpecifications": types},
    ]
    limits = {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 20}
    fake_call(world.aws, "emr.DescribeCluster", {"Cluster": in_fleets})
    fake_call(world.aws, "emr.ListInstanceFleets", {"InstanceFleets": fleets})
    fake_call(world.aws, "emr.GetManagedScalingPolicy", {"ManagedScalingPolicy": {"ComputeLimits": limits}})

    orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--detach")

    arguments = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Config"]["Args"]
    # An m5.2xlarge has room for two executors of four cores
    assert arguments[5:7] == ["--conf", "spark.dynamicAllocation.maxExecutors=40"]


@pytest.mark.parametrize(
    ("limits", "targets", "types", "most"),
    [
        (None, [(1, 0), (1, 4)], ["m5.xlarge"], 6),
        ({"MaximumCapacityUnits": 10}, [(1, 0), (0, 2)], ["m5.xlarge"], 10),
        ({"MaximumCapacityUnits": 2}, [(1, 0), (0, 2)], ["m5.4xlarge"], 12),
        (None, [(1, 0)], ["x1.32xlarge"], None),
    ],
)
def test_the_most_executors_are_those_that_fit_on_the_most_nodes(
    limits: dict[str, int] | None, targets: list[tuple[int, int]], types: list[str], most: int | None
) -> None:
    specified: Any = [{"InstanceType": name} for name in types]
    fleets: Any = [
        {"TargetOnDemandCapacity": on_demand, "TargetSpotCapacity": spot, "InstanceTypeSpecifications": specified}
        for on_demand, spot in targets
    ]

    assert most_executors(limits, fleets) == most


@pytest.mark.usefixtures("photos", "model")
def test_the_bar_is_fed_by_the_jobs_own_progress(deployed: Deployed, world: World) -> None:
    def advance(count: int) -> None:
        if count == 0:
            progress = {"schema_version": 2, "stage": "features", "done": 7, "total": 40}
            body = json.dumps(progress).encode()
            world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=body)
        else:
            finish(deployed, world)

    world.during_sleep = advance

    orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert world.said[7:10] == ["RUNNING", "RUNNING, features", "COMPLETED"]


@pytest.mark.usefixtures("photos", "model")
def test_a_step_that_completed_without_a_manifest_is_no_success(deployed: Deployed, world: World) -> None:
    world.during_sleep = lambda _count: deployed.set_step_state("COMPLETED")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert raised.value.code == "ORC-252"
    assert f"s3://{deployed.data}/results/first" in raised.value.message
    assert raised.value.hint.endswith("orchard logs first")


@pytest.mark.usefixtures("photos", "model")
@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_progress_and_manifest_of_an_earlier_run_do_not_count(option: str, deployed: Deployed, world: World) -> None:
    # Given what an earlier run has left
    progress = json.dumps({"schema_version": 2, "stage": "finished", "done": 40, "total": 40}).encode()
    for name, body in (("progress", progress), ("manifest", json.dumps(MANIFEST).encode())):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"results/first/{name}.json", Body=body)

    def advance(count: int) -> None:
        if count == 0:
            # The step begins later than those were written
            deployed.set_step_state("RUNNING", started=datetime.now(UTC) + timedelta(hours=1))
        else:
            deployed.set_step_state("COMPLETED")

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", option)

    # Nothing of the earlier run was shown as this one's
    assert world.said[-2:] == ["RUNNING", "COMPLETED"]
    assert raised.value.code == "ORC-252"


@pytest.mark.usefixtures("photos", "model")
def test_a_failed_step_is_explained_by_its_logs(deployed: Deployed, world: World) -> None:
    cause = "--components 50 is not possible with 2 photos of 1280 features each."
    log = f"error: {cause}\nChoose 1.\n".encode()

    def advance(count: int) -> None:
        if count == 0:
            deployed.set_step_state("FAILED")
        if count == 2:
            step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Id"]
            key = f"emr/{deployed.cluster}/steps/{step}/stderr.gz"
            world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=gzip.compress(log))

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--components", "50")

    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Id"]
    assert raised.value.exit_code == 1
    assert "'first'" in raised.value.message
    assert raised.value.message.endswith(f": {cause}")
    uri = f"s3://{deployed.logs}/emr/{deployed.cluster}/steps/{step}/stderr.gz"
    assert raised.value.hint.startswith("Choose 1. ")
    assert raised.value.hint.endswith(f": {uri}")
    assert world.said[-1].endswith(" ...")


@pytest.mark.usefixtures("photos", "model")
def test_a_failed_step_without_logs_is_reported(deployed: Deployed, world: World) -> None:
    world.during_sleep = lambda _count: deployed.set_step_state("FAILED")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert raised.value.code == "ORC-253"
    assert "orchard logs" in raised.value.hint
    assert sum(world.slept) == pytest.approx(2 + 12 * 30)


@pytest.mark.usefixtures("photos", "model")
def test_a_run_whose_cluster_did_not_start_is_explained(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        deployed.set_step_state("CANCELLED")
        deployed.set_cluster_state("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: on the primary node")
        key = f"emr/{deployed.cluster}/node/i-1/bootstrap-actions/1/stderr.gz"
        log = gzip.compress(b"bootstrap: FAILED while importing pyarrow\n")
        world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=log)

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert "FAILED while importing pyarrow" in raised.value.message
    uri = f"s3://{deployed.logs}/emr/{deployed.cluster}/node/i-1/bootstrap-actions/1/stderr.gz"
    assert "orchard up" in raised.value.hint
    assert raised.value.hint.endswith(uri)


@pytest.mark.usefixtures("photos", "model")
def test_a_run_whose_cluster_was_ended_is_interrupted(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        deployed.set_step_state("CANCELLED", started=datetime.now(UTC))
        deployed.set_cluster_state("TERMINATED", "USER_REQUEST: Terminated by user request")

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert "USER_REQUEST: Terminated by user request" in raised.value.message
    assert "orchard up" in raised.value.hint


@pytest.mark.usefixtures("photos", "model")
def test_a_run_that_is_under_way_is_not_attached_twice(deployed: Deployed, world: World) -> None:
    orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--detach")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--detach")

    assert raised.value.code == "ORC-251"
    assert deployed.cluster in raised.value.message
    assert len(world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"]) == 1


@pytest.mark.usefixtures("photos", "model")
def test_then_destroy_leaves_a_cluster_that_somebody_else_uses(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        finish(deployed, world)
        steps.attach(world.aws, deployed.cluster, steps.step_configuration("theirs", "s3://a", "s3://m", []))

    world.during_sleep = advance

    assert orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--then-destroy") == 0

    assert world.called == []
    assert "theirs" in world.said[-1]
    assert world.said[-1].endswith(": orchard destroy")


@pytest.mark.usefixtures("photos", "model")
def test_an_earlier_runs_containers_are_not_blamed(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        deployed.set_step_state("FAILED")
        step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Id"]
        folder = f"emr/{deployed.cluster}"
        for key, log in (
            (f"{folder}/steps/{step}/stderr.gz", b"submitted application_1_0002\n"),
            (f"{folder}/containers/application_1_0001/c/stderr.gz", b"No space left on device\n"),
            (f"{folder}/containers/application_1_0002/c/stderr.gz", b"java.lang.OutOfMemoryError: Java heap space\n"),
        ):
            world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=gzip.compress(log))

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert "(Java heap space)" in raised.value.message


@pytest.mark.parametrize(
    ("code", "kind", "sign_in"),
    [("ThrottlingException", TryAgainError, False), ("ExpiredTokenException", SignInError, True)],
)
@pytest.mark.usefixtures("photos", "model")
def test_losing_sight_of_a_run_says_that_it_goes_on(
    deployed: Deployed, world: World, code: str, kind: type[OrchardError], sign_in: bool
) -> None:
    refusal = {"Error": {"Code": code, "Message": "No."}}

    def advance(_count: int) -> None:
        fake_call(world.aws, "emr.DescribeStep", refusal)

    world.during_sleep = advance

    with pytest.raises(kind) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Id"]
    assert step in raised.value.message
    assert "orchard status first --follow" in raised.value.hint
    assert ("aws sso login" in raised.value.hint) is sign_in


@pytest.mark.usefixtures("photos", "model")
def test_ctrl_c_while_waiting_for_logs_keeps_the_failure(deployed: Deployed, world: World) -> None:
    def advance(count: int) -> None:
        if count == 1:
            raise KeyboardInterrupt
        deployed.set_step_state("FAILED")

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert raised.value.code == "ORC-252"
    assert raised.value.hint.endswith("orchard status first --follow")


@pytest.mark.usefixtures("photos", "model")
def test_ctrl_c_leaves_the_step_running(deployed: Deployed, world: World) -> None:
    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    world.during_sleep = interrupt

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first")

    assert raised.value.code == "ORC-252"
    assert "orchard status first --follow" in raised.value.hint
    assert "orchard cancel first" in raised.value.hint
    steps = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"]
    assert [step["Status"]["State"] for step in steps] == ["RUNNING"]


@pytest.mark.usefixtures("photos", "model")
def test_then_destroy_ends_the_cluster_after_a_failed_run(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        deployed.set_step_state("FAILED")

    world.during_sleep = advance

    with pytest.raises(OrchardError):
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training", "--name", "first", "--then-destroy")

    assert values(world.said[-1]) == ["OrchardCluster"]
    state = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]["Status"]["State"]
    assert state == "TERMINATED"


FRUITS = ["--images", "fruits/Training"]


@pytest.mark.usefixtures("photos", "model")
@pytest.mark.parametrize(
    ("argv", "code", "named", "fix"),
    [
        (["--images", "vegetables"], "ORC-251", "images/vegetables", "orchard upload FOLDER vegetables"),
        ([*FRUITS, "--test", "fruits/Test"], "ORC-251", "images/fruits/Test", "Did you mean fruits/Training?"),
        ([*FRUITS, "--variance", "7"], "ORC-101", "--variance", "0.95"),
        ([*FRUITS, "--master=local[2]"], "ORC-201", "--master", "Leave it out"),
        ([*FRUITS, "--output", "s3://elsewhere/x"], "ORC-201", "--output", "--name NAME"),
        ([*FRUITS, "--see", "5"], "ORC-201", "--see", "--help"),
        ([*FRUITS, "--image-list", "s3://elsewhere/l.csv"], "ORC-201", "--image-list", "orchard run --help"),
        (
            [*FRUITS, "--model", "s3://{data}/models/none.tflite"],
            "ORC-251",
            "none.tflite",
            "aws s3 ls s3://{data}/models/",
        ),
        ([*FRUITS, "--model", "none.tflite"], "ORC-140", "none.tflite", "--model FILE"),
        ([*FRUITS, "--model", __file__], "ORC-140", __file__, "--model"),
        ([*FRUITS, "--frobnicate"], "ORC-201", "--frobnicate", "--help"),
        ([*FRUITS, "--backbone", "alexnet"], "ORC-140", "alexnet", "mobilenet"),
        (["--images", "fruits/../secrets"], "ORC-201", "..", "fruits/Training"),
        ([*FRUITS, "--name", "done/"], "ORC-201", "done/", "--name done"),
        ([*FRUITS, "--detach", "--then-destroy"], "ORC-201", "--then-destroy", "Leave one"),
        ([*FRUITS, "--name", "done"], "ORC-251", "results/done", "--overwrite"),
        ([*FRUITS, "--name", "half"], "ORC-251", "results/half", "--resume"),
        (["--images", "photos/"], "ORC-251", "images/photos", "orchard upload FOLDER photos"),
        (["--images", "./my photos"], "ORC-201", "./my photos", "orchard upload './my photos' my-photos"),
        ([*FRUITS, "--test", "./t"], "ORC-201", "--test", "orchard upload ./t t"),
        (["--image-list", "list.csv"], "ORC-201", "--image-list", "aws s3 cp list.csv s3://"),
        ([*FRUITS, "--descriptor", "orb", "--vocabulary", "results/first"], "ORC-201", "results/first", "first"),
    ],
)
def test_refuses_what_cannot_work_before_attaching(
    deployed: Deployed,
    world: World,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    code: str,
    named: str,
    fix: str,
) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/done/manifest.json", Body=b"{}")
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/half/features/part.parquet", Body=b"")

    exit_code = cli.main(["run", "--on", "emr", *(each.format(data=deployed.data) for each in argv)], world.context())

    message, hint = capsys.readouterr().err.splitlines()
    assert exit_code == 2
    assert f"[{code}]" in message
    assert named in message
    assert fix.format(data=deployed.data) in hint
    assert world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"] == []


@pytest.mark.usefixtures("photos", "model")
def test_a_run_needs_a_living_cluster(deployed: Deployed, world: World) -> None:
    deployed.set_cluster_state("TERMINATED")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--on", "emr", "--images", "fruits/Training")

    assert raised.value.code == "ORC-240"
    assert deployed.cluster in raised.value.message
    assert "orchard up" in raised.value.hint


def test_without_stacks_the_command_that_deploys_them_is_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["run", "--on", "emr", "--images", "fruits"], world.context())

    assert code == 2
    assert "OrchardData" in told(capsys.readouterr().err)[0]


def no_account() -> Aws:
    """Fail: a run on this machine may not need an account."""
    raise SignInError("There is no account.", "Sign in.")


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch) -> list[Arguments | PredictArguments]:
    """Note what the job is to do on this machine, and do nothing."""
    asked: list[Arguments | PredictArguments] = []

    def note(arguments: Arguments | PredictArguments) -> str:
        asked.append(arguments)
        return "done\n"

    monkeypatch.setattr("job.__main__.carry_out", note)
    return asked


def here(*argv: str) -> tuple[int, list[str]]:
    """Execute a command line without an account; return the exit code and what it said."""
    terminal = io.StringIO()
    context = Context(no_account, terminal=terminal, clock=lambda: 1_790_000_000)
    return cli.main(argv, context), terminal.getvalue().splitlines()


def test_a_run_is_here_unless_it_says_otherwise(carried_out: list[Arguments]) -> None:
    assert here("run", "--images", "photos/", "--name", "first", "--classifier", "tree") == (0, ["done"])

    assert [(asked.images, asked.output, asked.classifier) for asked in carried_out] == [
        ("photos/", "results/first", "tree")
    ]


def test_a_run_without_a_name_has_the_time(carried_out: list[Arguments]) -> None:
    here("run", "--images", "s3://bucket/photos")

    assert [(asked.images, asked.output) for asked in carried_out] == [
        ("s3://bucket/photos", "results/20260921T141320Z")
    ]


def test_a_prediction_names_results_of_this_machine(
    carried_out: list[PredictArguments], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "first").mkdir(parents=True)
    (tmp_path / "results" / "first" / "manifest.json").write_text("{}")

    for results in ("first", "elsewhere/second", "s3://bucket/third"):
        here("predict", "--results", results, "--images", "new/", "--name", "p")

    assert [(asked.results, asked.output) for asked in carried_out] == [
        (results, "results/p") for results in ("results/first", "elsewhere/second", "s3://bucket/third")
    ]


@pytest.mark.parametrize(
    "argv",
    [["--detach"], ["--then-destroy"], ["--name", "a", "--output", "b"], ["--name", "a/b"], ["--master", "moon"]],
)
def test_refuses_options_of_the_cluster_here(argv: list[str], carried_out: list[Arguments]) -> None:
    assert here("run", "--images", "photos/", *argv) == (2, [])
    assert carried_out == []


def test_refuses_results_that_are_not_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert here("predict", "--results", "unknown", "--images", "photos/") == (2, [])
    assert "orchard results unknown" in capsys.readouterr().err


def test_profile_and_region_are_for_the_jobs_own_calls(
    carried_out: list[Arguments], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.setenv(name, "other")

    here("run", "--images", "s3://b/p", "--profile", "work", "--region", "eu-west-3")

    assert (len(carried_out), os.environ["AWS_PROFILE"], os.environ["AWS_REGION"]) == (1, "work", "eu-west-3")


@pytest.mark.parametrize("command", [RUN, PREDICT], ids=lambda command: str(command.name))
def test_both_places_take_the_jobs_own_options(command: Command) -> None:
    jobs = job_options.run_parser() if command is RUN else job_options.predict_parser()
    (commands,) = [each for each in commandline.parser()._actions if isinstance(each, argparse._SubParsersAction)]
    ours = commands.choices[command.name]

    def options(parser: argparse.ArgumentParser) -> set[str]:
        return {option for action in parser._actions for option in action.option_strings}

    assert options(jobs) <= options(ours)
    assert options(ours) - options(jobs) == {"--on", "--name", "--detach", "--then-destroy", "--profile", "--region"}


@pytest.mark.usefixtures("photos")
def test_int8_is_quantized_here_from_photos_in_s3(
    deployed: Deployed, world: World, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a network that the photos in S3 quantize
    chosen: list[tuple[Arguments, str]] = []

    def choose(asked: Arguments, photos: str, _folder: Path, _say: object) -> Path:
        chosen.append((asked, photos))
        return model

    monkeypatch.setattr(run, "list_all", lambda asked: asked.images)
    monkeypatch.setattr("job.backbones.choose", choose)
    argv = ["--images", "fruits/Training", "--name", "p", "--backbone", "mobilenet", "--precision", "int8"]

    assert orchard(world, "run", "--on", "emr", *argv, "--detach") == 0

    ((asked, photos),) = chosen
    assert (asked.backbone, asked.model, asked.precision) == ("mobilenet", None, "int8")
    assert photos == f"s3://{deployed.data}/images/fruits/Training"
    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]
    assert f"--model=s3://{deployed.data}/models/{MODEL_HASH}.tflite" in step["Config"]["Args"]
    assert "--precision=int8" in step["Config"]["Args"]


@pytest.mark.usefixtures("photos")
def test_a_prediction_on_the_cluster_is_a_step(deployed: Deployed, world: World) -> None:
    argv = ["--results", "first", "--images", "fruits/Training", "--name", "p", "--no-csv", "--detach"]
    put_manifest(deployed, world)

    assert orchard(world, "predict", "--on", "emr", *argv) == 0

    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]
    assert step["Config"]["Args"][-5:] == [
        "predict",
        f"--results=s3://{deployed.data}/results/first",
        f"--images=s3://{deployed.data}/images/fruits/Training",
        f"--output=s3://{deployed.data}/results/p",
        "--no-csv",
    ]
