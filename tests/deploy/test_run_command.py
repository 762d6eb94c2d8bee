"""Tests of orchard run: from the checks before anything is spent to the end of the step."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import cli
from infra.commands import run
from infra.deploy import step as steps
from infra.deploy.bundle import make_bundle
from infra.deploy.speed import BENCHMARK
from infra.errors import OrchardError, TryAgainError
from job.networks import NETWORKS
from tests.deploy.conftest import Deployed, World

MANIFEST: dict[str, Any] = {
    "schema_version": 1,
    "counts": {"found": 40, "used": 39, "rejected": 1},
    "components": {"kept": 5, "variance_kept": 0.951, "needed": {"0.8": 2, "0.9": 4, "0.95": 5, "0.99": 9}},
    "seconds": {"features": 4.0},
    "files": {},
}


@pytest.fixture
def photos(deployed: Deployed, world: World) -> None:
    """Upload two photos and something else."""
    for name in ("Training/Kiwi/1.jpg", "Training/Pear/2.PNG", "Training/notes.txt"):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"images/fruits/{name}", Body=b"12345")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have an exported backbone, without the seconds of exporting one."""
    exported = tmp_path / "backbone.tflite"
    exported.write_bytes(b"model")
    monkeypatch.setattr(run, "cached_export", lambda _request: exported)
    return exported


def orchard(world: World, *words: str) -> int:
    given = cli.parse(list(words))
    return int(given.command.execute(given, world.surroundings()))


def finish(deployed: Deployed, world: World, name: str = "first") -> None:
    deployed.set_step_state("COMPLETED")
    world.aws.s3.put_object(
        Bucket=deployed.data, Key=f"results/{name}/manifest.json", Body=json.dumps(MANIFEST).encode()
    )


@pytest.mark.usefixtures("photos", "model")
def test_a_run_sends_code_and_backbone_attaches_the_step_and_follows_it_to_the_end(
    deployed: Deployed, world: World
) -> None:
    world.during_sleep = lambda count: finish(deployed, world) if count == 1 else None

    code = orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--variance", "0.9", "--no-csv")

    bundle, output = make_bundle(), f"s3://{deployed.data}/results/first"
    assert code == 0
    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]
    assert step["Name"] == "orchard first"
    assert step["ActionOnFailure"] == "CONTINUE"
    assert step["Config"]["Jar"] == "command-runner.jar"
    assert step["Config"]["Args"] == [
        *("spark-submit", "--deploy-mode", "client", "--name", "orchard first"),
        *("--py-files", f"s3://{deployed.data}/{bundle.keys[0]}", f"s3://{deployed.data}/{bundle.keys[1]}"),
        *("--images", f"s3://{deployed.data}/images/fruits/Training", "--seed", "0"),
        *("--variance", "0.9", "--no-csv", "--output", output),
        *("--model", f"s3://{deployed.data}/models/{MODEL_HASH}.tflite"),
    ]
    assert world.said == [
        f"s3://{deployed.data}/images/fruits/Training: 2 photos, 0 MiB",
        f"Estimate: 0:00:00 and 0.000 USD, an extrapolation from {BENCHMARK.basis}.",
        f"Backbone s3://{deployed.data}/models/{MODEL_HASH}.tflite: sent",
        f"Code {bundle.hash}: sent",
        f"Run 'first' is step {step['Id']} of cluster {deployed.cluster}",
        "RUNNING",
        "COMPLETED",
        "39 of 40 photos used, 1 rejected.",
        "Features at 10 photos a second.",
        "5 components for 95.10% of the variance; 80% need 2, 90% need 4, 95% need 5, 99% need 9.",
        f"Results: {output}",
        "Fetch them: orchard results first",
    ]


MODEL_HASH = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
"""SHA-256 of b"model"."""


@pytest.mark.usefixtures("photos", "model")
def test_a_second_run_sends_nothing_again_and_takes_another_name(deployed: Deployed, world: World) -> None:
    orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--detach")
    second = World(world.aws)

    code = orchard(second, "run", "--images", "fruits/Training", "--detach")

    assert code == 0
    assert second.said[2:4] == [
        f"Backbone s3://{deployed.data}/models/{MODEL_HASH}.tflite: there already",
        f"Code {make_bundle().hash}: there already",
    ]
    assert second.said[-1] == "Follow it: orchard status 20260921T141320Z --follow"


@pytest.mark.usefixtures("photos", "model")
def test_the_bar_is_fed_by_the_jobs_own_progress(deployed: Deployed, world: World) -> None:
    def advance(count: int) -> None:
        if count == 0:
            progress = {"schema_version": 1, "stage": "features", "done": 7, "total": 40}
            body = json.dumps(progress).encode()
            world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/progress.json", Body=body)
        else:
            finish(deployed, world)

    world.during_sleep = advance

    orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert world.said[5:8] == ["RUNNING", "RUNNING, features", "COMPLETED"]


@pytest.mark.usefixtures("photos", "model")
def test_a_step_that_completed_without_a_manifest_is_no_success(deployed: Deployed, world: World) -> None:
    world.during_sleep = lambda _count: deployed.set_step_state("COMPLETED")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert raised.value.what == f"There is no run 'first' in s3://{deployed.data}/results."


@pytest.mark.usefixtures("photos", "model")
def test_a_failed_step_is_told_by_its_cause_once_its_logs_have_come(deployed: Deployed, world: World) -> None:
    log = b"error: --components 50 is not possible with 2 photos of 1280 features each.\nChoose 1.\n"

    def advance(count: int) -> None:
        if count == 0:
            deployed.set_step_state("FAILED")
        if count == 2:
            step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Id"]
            key = f"emr/{deployed.cluster}/steps/{step}/stderr.gz"
            world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=gzip.compress(log))

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--components", "50")

    step = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"][0]["Id"]
    assert raised.value.exit_code == 1
    assert raised.value.what == (
        "The run 'first' failed: --components 50 is not possible with 2 photos of 1280 features each."
    )
    uri = f"s3://{deployed.logs}/emr/{deployed.cluster}/steps/{step}/stderr.gz"
    assert raised.value.remedy == f"Choose 1.    Log: {uri}"
    assert "The step failed; waiting for its logs." in world.said


@pytest.mark.usefixtures("photos", "model")
def test_a_failed_step_whose_logs_never_come_is_told_as_that(deployed: Deployed, world: World) -> None:
    world.during_sleep = lambda _count: deployed.set_step_state("FAILED")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert raised.value.what == "The run 'first' failed: The logs show no cause that is known."
    assert raised.value.remedy == "Look into the whole log: orchard logs"
    assert sum(world.slept) == pytest.approx(5 + 12 * 30)


@pytest.mark.usefixtures("photos", "model")
def test_a_run_whose_cluster_never_came_up_is_told_by_the_bootstrap_actions_log(
    deployed: Deployed, world: World
) -> None:
    def advance(_count: int) -> None:
        deployed.set_step_state("CANCELLED")
        deployed.set_cluster_state("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: on the primary node")
        key = f"emr/{deployed.cluster}/node/i-1/bootstrap-actions/1/stderr.gz"
        log = gzip.compress(b"bootstrap: FAILED while importing pyarrow\n")
        world.aws.s3.put_object(Bucket=deployed.logs, Key=key, Body=log)

    world.during_sleep = advance

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert raised.value.what == (
        "The run 'first' never ran: The bootstrap action failed: bootstrap: FAILED while importing pyarrow"
    )
    assert raised.value.remedy == "Mend it, then: orchard up"


@pytest.mark.usefixtures("photos", "model")
def test_a_run_that_is_under_way_is_not_attached_twice(deployed: Deployed, world: World) -> None:
    orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--detach")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--detach")

    assert raised.value.what == f"A run 'first' waits or runs already on the cluster {deployed.cluster}."
    assert len(world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"]) == 1


@pytest.mark.usefixtures("photos", "model")
def test_then_destroy_leaves_a_cluster_that_somebody_else_uses(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        finish(deployed, world)
        steps.attach(world.aws, deployed.cluster, steps.step_configuration("theirs", "s3://a", "s3://m", []))

    world.during_sleep = advance

    assert orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--then-destroy") == 0

    assert world.called == []
    assert world.said[-1] == "The cluster stays, for it is busy with: theirs. Destroy it later: orchard destroy"


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
        orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert "Spark's Java process ran out of memory (Java heap space)." in raised.value.what


@pytest.mark.usefixtures("photos", "model")
def test_losing_sight_of_a_run_says_that_it_goes_on(
    deployed: Deployed, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttle(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "DescribeStep")

    world.during_sleep = lambda _count: monkeypatch.setattr(world.aws.emr, "describe_step", throttle)

    with pytest.raises(TryAgainError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert raised.value.what.endswith("The run 'first' goes on, and so does its cost.")
    assert raised.value.remedy == "Come back: orchard status first --follow"
    assert deployed.cluster


@pytest.mark.usefixtures("photos", "model")
def test_ctrl_c_leaves_the_step_running_and_says_how_to_come_back(deployed: Deployed, world: World) -> None:
    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    world.during_sleep = interrupt

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training", "--name", "first")

    assert raised.value.what == "No longer following 'first'; the step goes on, and so does its cost."
    assert raised.value.remedy == ("Come back: orchard status first --follow    Cancel it: orchard cancel first")
    steps = world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"]
    assert [step["Status"]["State"] for step in steps] == ["RUNNING"]


@pytest.mark.usefixtures("photos", "model")
def test_then_destroy_ends_the_cluster_after_a_run_that_failed_too(deployed: Deployed, world: World) -> None:
    def advance(_count: int) -> None:
        deployed.set_step_state("FAILED")

    world.during_sleep = advance

    with pytest.raises(OrchardError):
        orchard(world, "run", "--images", "fruits/Training", "--name", "first", "--then-destroy")

    assert [command[:3] for command in world.called] == [["cdk", "destroy", "OrchardCluster"]]
    state = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)["Cluster"]["Status"]["State"]
    assert state == "TERMINATED"


@pytest.mark.usefixtures("photos", "model")
@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (
            ["--images", "vegetables"],
            "There are no photos in s3://{data}/images/vegetables.",
            "Upload them: orchard upload DIR --to vegetables",
        ),
        (
            ["--images", "fruits/Training", "--test", "fruits/Test"],
            "There are no photos in s3://{data}/images/fruits/Test.",
            "Upload them: orchard upload DIR --to fruits",
        ),
        (
            ["--images", "fruits/Training", "--variance", "7"],
            "--variance 7 is no share of the variance.",
            "Choose a number above 0 and at most 1, like 0.95.",
        ),
        (
            ["--images", "fruits/Training", "--frobnicate"],
            "Unrecognized arguments: --frobnicate.",
            "See python -m job --help.",
        ),
        (
            ["--images", "fruits/Training", "--backbone", "alexnet"],
            "There is no backbone 'alexnet'.",
            f"Choose one of: {', '.join(NETWORKS)}.",
        ),
        (
            ["--images", "fruits/../secrets"],
            "SET '..' is no name.",
            "Begin with a letter or digit, and go on with those, dots, hyphens and underscores.",
        ),
        (
            ["--images", "fruits/Training", "--name", "done/"],
            "--name 'done/' is no name.",
            "Begin with a letter or digit, and go on with those, dots, hyphens and underscores.",
        ),
        (
            ["--images", "fruits/Training", "--detach", "--then-destroy"],
            "--detach and --then-destroy contradict each other.",
            "Leave one of them out.",
        ),
        (
            ["--images", "fruits/Training", "--name", "done"],
            "s3://{data}/results/done holds the results of a finished run.",
            "Choose another --name, or replace it with --overwrite.",
        ),
        (
            ["--images", "fruits/Training", "--name", "half"],
            "s3://{data}/results/half holds what an unfinished run left.",
            "Choose another --name, or replace it with --overwrite.",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_attached(
    deployed: Deployed,
    world: World,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    what: str,
    remedy: str,
) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/done/manifest.json", Body=b"{}")
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/half/features/part.parquet", Body=b"")

    code = cli.main(["run", *words], world.surroundings())

    told = what.format(data=deployed.data)
    assert (code, capsys.readouterr().err) == (2, f"error: {told}\n{remedy}\n")
    assert world.aws.emr.list_steps(ClusterId=deployed.cluster)["Steps"] == []


@pytest.mark.usefixtures("photos", "model")
def test_a_cluster_that_ended_itself_is_named_with_the_command_that_makes_a_new_one(
    deployed: Deployed, world: World
) -> None:
    deployed.set_cluster_state("TERMINATED")

    with pytest.raises(OrchardError) as raised:
        orchard(world, "run", "--images", "fruits/Training")

    assert raised.value.what.startswith(f"The cluster {deployed.cluster} has ended: TERMINATED")
    assert raised.value.remedy == "Make a new one: orchard up"


def test_without_stacks_the_command_that_deploys_them_is_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["run", "--images", "fruits"], world.surroundings())

    assert code == 2
    assert capsys.readouterr().err.splitlines()[0] == "error: There is no stack OrchardData in eu-west-1."
