"""The whole way, from nothing to nothing: real cdk, real commands, real steps, on a local cloud of the test's own."""

import json
import platform
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import WaiterError

from infra.commands.demonstration import answer, evaluator_client, own_processor
from infra.commands.sample_photos import draw_photos
from localcloud.state import require
from tests.e2e.way import REGION, Way, processes_of

SETTINGS = {
    **own_processor(platform.machine()),
    "region": REGION,
    "delete_data": "true",
    "confirm_delete_data": "true",
}
COMPLETE = {"CDKToolkit": "CREATE_COMPLETE", "OrchardData": "CREATE_COMPLETE", "OrchardAccess": "CREATE_COMPLETE"}


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    """Return a way whose cloud is ended afterwards, whatever happened."""
    made = Way(tmp_path)
    yield made
    made.orchard("local", "down")
    assert processes_of(made.cloud) == []


def deploy_command(*words: str, **settings: str) -> list[str]:
    """Return what deploys with the settings of this test and some others."""
    context = [word for name, value in (SETTINGS | settings).items() for word in ("-c", f"{name}={value}")]
    return ["cdk", "deploy", *words, "--require-approval", "never", *context]


def deploy(way: Way, *words: str, **settings: str) -> str:
    """Deploy with the settings of this test and some others; return what was printed."""
    return way.cdk(*deploy_command(*words, **settings)[1:])


def test_the_whole_way_from_nothing_to_nothing(way: Way) -> None:
    stands_up(way)
    deploys_once(way)
    changes_in_place_and_by_replacement(way)
    uploads(way)
    runs(way)
    keeps_the_evaluator_to_reading(way)
    keeps_a_step_to_its_buckets(way)
    says_why_a_run_failed(way)
    takes_everything_down(way)


@pytest.mark.slow
def test_a_second_cycle_on_the_same_cloud_is_like_the_first(way: Way) -> None:
    stands_up(way)
    for _ in range(2):
        deploys_once(way)
        uploads(way)
        runs(way)
        takes_everything_down(way)


def stands_up(way: Way) -> None:
    assert " http://127.0.0.1:" in way.orchard("local", "up")
    assert "already running" in way.orchard("local", "up"), "a second call finds the first's cloud"
    assert way.orchard("local", "status").splitlines()[1:] == ["It is empty."]
    way.bootstrap()
    assert way.statuses() == {"CDKToolkit": "CREATE_COMPLETE"}


def deploys_once(way: Way) -> None:
    deploy(way, "--all")

    assert way.statuses() == COMPLETE | {"OrchardCluster": "CREATE_COMPLETE"}
    cluster = way.cluster()
    assert cluster["Status"]["State"] == "WAITING"
    assert [application["Name"] for application in cluster["Applications"]] == ["Hadoop", "Spark"]
    actions = way.client("emr").list_bootstrap_actions(ClusterId=cluster["Id"])["BootstrapActions"]
    assert [action["Name"] for action in actions] == ["Python libraries"]

    again = deploy(way, "--all")

    assert again.count("(no changes)") == 3
    assert way.cluster()["Id"] == cluster["Id"]


def changes_in_place_and_by_replacement(way: Way) -> None:
    emr, before = way.client("emr"), way.cluster()["Id"]
    context = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    difference = way.cdk("diff", "OrchardCluster", "--exclusively", *context, "-c", "idle_minutes=90")
    assert "IdleTimeout" in difference
    assert "Number of stacks with differences: 1" in difference

    deploy(way, "OrchardCluster", "--exclusively", idle_minutes="90")

    assert way.cluster()["Id"] == before
    policy = emr.get_auto_termination_policy(ClusterId=before)["AutoTerminationPolicy"]
    assert policy == {"IdleTimeout": 5400}

    deploy(way, "OrchardCluster", "--exclusively", idle_minutes="90", generation="2")

    after = way.cluster()
    assert after["Id"] != before
    assert (after["Name"], after["Status"]["State"]) == ("orchard-2", "WAITING")
    assert emr.describe_cluster(ClusterId=before)["Cluster"]["Status"]["State"] == "TERMINATED"


def uploads(way: Way) -> None:
    photos = way.folder / "photos"
    draw_photos(photos / "training", 4, seed=1)
    draw_photos(photos / "test", 1, seed=2)

    assert "40 sent" in way.orchard("upload", str(photos / "training"), "fruits")
    assert "10 sent" in way.orchard("upload", str(photos / "test"), "fruits-test")
    assert "0 sent (0.0 MB)" in way.orchard("upload", str(photos / "test"), "fruits-test")


def runs(way: Way) -> None:
    words = ["--images", "fruits", "--test", "fruits-test", "--weights", "random"]

    said = way.orchard("run", "--on", "emr", *words, "--name", "first")

    assert ": orchard results first\n" in said
    manifest = way.manifest("first")
    assert (manifest["counts"]["train"], manifest["counts"]["test"]) == (40, 10)
    cluster = way.cluster()
    # The interpreter is the one that the bootstrap action made on the cluster's own node.
    assert manifest["versions"]["python"].startswith("3.11.")
    steps = way.client("emr").list_steps(ClusterId=cluster["Id"])["Steps"]
    assert [(step["Name"], step["Status"]["State"]) for step in steps] == [("orchard first", "COMPLETED")]
    assert "COMPLETED" in way.orchard("status", "first")
    assert "Results: s3://" in way.orchard("logs", "first")
    controller = way.log(f"{cluster['Id']}/steps/{steps[0]['Id']}/controller.gz")
    assert "replaced --deploy-mode client " in controller

    way.orchard("results", "first", "--output", str(way.folder / "results"), "--overwrite")

    features = pq.read_table(way.folder / "results" / "features")
    assert (features.num_rows, len(features["features"][0])) == (50, 1280)
    assert (way.folder / "results" / "report.html").is_file()
    assert "[ORC-251]" in way.orchard("run", "--on", "emr", *words, "--name", "first", expect=2)


def keeps_the_evaluator_to_reading(way: Way) -> None:
    bucket = way.outputs("OrchardData")["DataBucket"]
    secret = way.client("secretsmanager").get_secret_value(SecretId=way.outputs("OrchardAccess")["EvaluatorSecret"])
    key = json.loads(secret["SecretString"])
    endpoint = require(way.cloud).endpoint
    s3 = evaluator_client(key, endpoint, REGION)
    manifest = {"Bucket": bucket, "Key": "results/first/manifest.json"}

    assert answer(lambda: s3.get_object(**manifest)) == "200"
    assert answer(lambda: s3.list_objects_v2(Bucket=bucket)) == "200"
    assert answer(lambda: s3.put_object(**manifest, Body=b"{}")) == "AccessDenied"
    assert answer(lambda: s3.delete_object(**manifest)) == "AccessDenied"
    wrong = evaluator_client(key | {"secret_access_key": "x" * 40}, endpoint, REGION)
    assert answer(lambda: wrong.get_object(**manifest)) == "SignatureDoesNotMatch"
    unknown = evaluator_client(key | {"access_key_id": "AKIAIOSFODNN7EXAMPLE"}, endpoint, REGION)
    assert answer(lambda: unknown.get_object(**manifest)) == "InvalidAccessKeyId"


def keeps_a_step_to_its_buckets(way: Way) -> None:
    s3, emr, cluster = way.client("s3"), way.client("emr"), way.cluster()["Id"]
    s3.create_bucket(Bucket="another", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="another", Key="secret", Body=b"theirs")

    step = emr.add_job_flow_steps(
        JobFlowId=cluster,
        Steps=[
            {
                "Name": "curious",
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["aws", "s3", "cp", "s3://another/secret", "x"]},
            }
        ],
    )["StepIds"][0]
    with pytest.raises(WaiterError):
        emr.get_waiter("step_complete").wait(
            ClusterId=cluster, StepId=step, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    assert emr.describe_step(ClusterId=cluster, StepId=step)["Step"]["Status"]["State"] == "FAILED"
    assert "(403)" in way.log(f"{cluster}/steps/{step}/stderr.gz")
    s3.delete_object(Bucket="another", Key="secret")
    s3.delete_bucket(Bucket="another")


def says_why_a_run_failed(way: Way) -> None:
    broken = way.folder / "broken" / "Apple"
    broken.mkdir(parents=True)
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        (broken / name).write_bytes(b"no photo")
    way.orchard("upload", str(broken.parent), "broken")

    said = way.orchard("run", "--on", "emr", "--images", "broken", "--weights", "random", "--name", "broken", expect=1)

    assert "[ORC-111]" in said
    assert "0 of 3" in said
    cluster = way.cluster()
    assert cluster["Status"]["State"] == "WAITING", "a step that fails leaves the cluster to the next one"


def takes_everything_down(way: Way) -> None:
    # The plain command ends the cost, and keeps what was computed.
    way.cdk("destroy", "OrchardCluster", "--force")
    assert way.statuses() == COMPLETE

    said = way.orchard("destroy", "--delete-data", "--yes")

    assert "arn:" not in said
    assert way.statuses() == {"CDKToolkit": "CREATE_COMPLETE"}
    assert [name for name in way.bucket_names() if not name.startswith("cdk-")] == []
    iam, ec2 = way.client("iam"), way.client("ec2")
    assert iam.list_users()["Users"] == []
    assert [role["RoleName"] for role in iam.list_roles()["Roles"] if not role["RoleName"].startswith("cdk-")] == []
    assert [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []
    states = [cluster["Status"]["State"] for cluster in way.client("emr").list_clusters()["Clusters"]]
    assert set(states) == {"TERMINATED"}
