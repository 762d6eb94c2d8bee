"""Bootstrap actions and steps really run, on a small cloud with the step runner in a separate process."""

import gzip
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.emr import bootstrap
from infra.emr.bootstrap import wheelhouse
from infra.emr.classifications import spark
from infra.emr.executors import executor_size
from infra.emr.instance_types import INSTANCE_TYPES
from infra.runs.step import step_configuration
from infra.upload.content_addressed import make_bundle
from infra.versions import CLUSTER_PYTHON
from tests.infra.emr.bootstrap.test_bootstrap import ARCHITECTURE
from tests.localcloud.emr.clusters import described, request, step
from tests.localcloud.steps.emr_cloud import REGION, Client, address, clients, make_bucket, make_roles, running
from tests.localcloud.steps.test_process import is_gone, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: a cluster's nodes run it")


class Cloud:
    """The cloud, as a user sees it."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.emr, self.s3 = client("emr"), client("s3")
        self.folder: Path = folder

    def start(self, *steps: dict[str, Any], **more: Any) -> str:
        asked = request(*steps, LogUri="s3://logs/emr/") | more
        return str(self.emr.run_job_flow(**asked)["JobFlowId"])

    def cluster(self, cluster: str, *states: str) -> Any:
        return self._wait(lambda: self.emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"], states)

    def step(self, cluster: str, name: str, *states: str) -> Any:
        (found,) = [each["Id"] for each in self.emr.list_steps(ClusterId=cluster)["Steps"] if each["Name"] == name]
        return self._wait(lambda: self.emr.describe_step(ClusterId=cluster, StepId=found)["Step"]["Status"], states)

    def add(self, cluster: str, configuration: Any) -> str:
        return str(self.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[configuration])["StepIds"][0])

    def log(self, key: str) -> str:
        return gzip.decompress(self.s3.get_object(Bucket="logs", Key=f"emr/{key}")["Body"].read()).decode()

    def step_folder(self, cluster: str, name: str) -> Path:
        (found,) = [each["Id"] for each in self.emr.list_steps(ClusterId=cluster)["Steps"] if each["Name"] == name]
        return self.folder / cluster / "steps" / str(found)

    def _wait(self, look: Callable[[], Any], states: tuple[str, ...]) -> Any:
        for _ in range(6000):
            if (status := look())["State"] in states:
                return status
            time.sleep(0.05)
        raise AssertionError(status)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return a cloud with roles, buckets and a bootstrap script."""
    folder = tmp_path_factory.mktemp("cloud") / "emr"
    with running(folder) as process:
        client = clients(address(process))
        make_roles(client)
        for bucket in ("logs", "data"):
            make_bucket(client, bucket)
        client("s3").put_object(Bucket="data", Key="boot.sh", Body=b'echo "$1" >&2; [ "$1" = good ]')
        yield Cloud(client, folder)
    assert not folder.exists()


def action(word: str) -> dict[str, Any]:
    return {"Name": word, "ScriptBootstrapAction": {"Path": "s3://data/boot.sh", "Args": [word]}}


def test_a_failed_bootstrap_action_ends_the_cluster_with_a_log(cloud: Cloud) -> None:
    cluster = cloud.start(BootstrapActions=[action("good"), action("bad")])
    status = cloud.cluster(cluster, "TERMINATED_WITH_ERRORS")
    primary = cloud.emr.list_instances(ClusterId=cluster, InstanceFleetType="MASTER")["Instances"][0]["Ec2InstanceId"]
    assert status["StateChangeReason"] == {
        "Code": "BOOTSTRAP_FAILURE",
        "Message": f"On the master instance ({primary}), bootstrap action 2 returned a non-zero return code",
    }
    assert cloud.log(f"{cluster}/node/{primary}/bootstrap-actions/2/stderr.gz") == "bad\n"
    assert not (cloud.folder / cluster).exists()


@pytest.fixture(scope="module")
def living(cloud: Cloud) -> str:
    """Return a cluster that takes steps."""
    cluster = cloud.start(BootstrapActions=[action("good")])
    cloud.cluster(cluster, "WAITING")
    return cluster


def test_a_step_runs_under_the_credentials_of_the_clusters_role(cloud: Cloud, living: str) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    made = cloud.add(living, step("who", "CONTINUE", sys.executable, "-c", code))
    assert cloud.step(living, "who", "COMPLETED", "FAILED")["State"] == "COMPLETED"
    primary = cloud.emr.list_instances(ClusterId=living, InstanceFleetType="MASTER")["Instances"][0]["Ec2InstanceId"]
    assert cloud.log(f"{living}/steps/{made}/stdout.gz") == f"arn:aws:sts::123456789012:assumed-role/node/{primary}\n"


def test_a_failed_step_names_its_cause_and_its_log(cloud: Cloud, living: str) -> None:
    made = cloud.add(living, step("fails", "CONTINUE", "bash", "-c", "echo 'ValueError: 5' >&2; exit 3"))
    status = cloud.step(living, "fails", "COMPLETED", "FAILED")
    assert status["FailureDetails"] == {
        "Reason": "Unknown Error.",
        "Message": "ValueError: 5",
        "LogFile": f"s3://logs/emr/{living}/steps/{made}/stderr.gz",
    }
    assert cloud.log(f"{living}/steps/{made}/stderr.gz") == "ValueError: 5\n"
    assert cloud.log(f"{living}/steps/{made}/controller.gz").endswith("INFO exit code 3\n")


def test_a_complete_log_is_stamped_after_the_steps_end(cloud: Cloud, living: str) -> None:
    made = cloud.add(living, step("stamped", "CONTINUE", "true"))
    ended = cloud.step(living, "stamped", "COMPLETED")["Timeline"]["EndDateTime"]
    for _ in range(400):
        kept = cloud.s3.head_object(Bucket="logs", Key=f"emr/{living}/steps/{made}/stderr.gz")["LastModified"]
        if kept >= ended:
            return
        time.sleep(0.02)
    raise AssertionError(f"{kept} is before {ended}")


def test_missing_code_fails_the_step(cloud: Cloud, living: str) -> None:
    made = cloud.add(living, step("no code", "CONTINUE", "spark-submit", "s3://data/nothing.py"))
    cloud.step(living, "no code", "FAILED")
    assert cloud.log(f"{living}/steps/{made}/stderr.gz") == (
        "Failed to download the code of the step: An error occurred (NoSuchKey) when calling the GetObject operation: "
        "The specified key does not exist.\n"
    )


@pytest.mark.parametrize("option", ["SEND_INTERRUPT", "TERMINATE_PROCESS"])
def test_a_running_step_is_cancelled_with_all_it_started(option: str, cloud: Cloud, living: str) -> None:
    made = cloud.add(living, step(option, "CONTINUE", "bash", "-c", "sleep 600 & echo $!; wait"))
    cloud.step(living, option, "RUNNING")
    child = int(wait_for(cloud.step_folder(living, option) / "stdout"))
    cloud.emr.cancel_steps(ClusterId=living, StepIds=[made], StepCancellationOption=option)
    assert "FailureDetails" not in cloud.step(living, option, "CANCELLED")
    assert is_gone(child)


@pytest.mark.slow
def test_spark_runs_locally_instead_of_on_yarn_and_logs_it(cloud: Cloud, living: str) -> None:
    program = b"""import sys
from pyspark import SparkContext
from helper import double
context = SparkContext()
print(context.master.startswith("local["), sys.argv[1:])
print(context.parallelize([1, 2, 3]).map(double).sum())
"""
    cloud.s3.put_object(Bucket="data", Key="helper.py", Body=b"def double(x):\n    return 2 * x\n")
    cloud.s3.put_object(Bucket="data", Key="main.py", Body=program)
    command = ["spark-submit", "--deploy-mode", "cluster", "--py-files", "s3://data/helper.py", "s3://data/main.py"]
    made = cloud.add(living, step("spark", "CONTINUE", *command, "s3://data/in/"))
    status = cloud.step(living, "spark", "COMPLETED", "FAILED")
    assert status["State"] == "COMPLETED", cloud.log(f"{living}/steps/{made}/stderr.gz")
    assert cloud.log(f"{living}/steps/{made}/stdout.gz") == "True ['s3://data/in/']\n12\n"
    assert "local cloud: replaced --deploy-mode cluster" in cloud.log(f"{living}/steps/{made}/controller.gz")


def test_ending_a_cluster_ends_its_running_step(cloud: Cloud) -> None:
    cluster = cloud.start(step("long", "CONTINUE", "bash", "-c", "echo $$; sleep 600"), step("next"))
    cloud.step(cluster, "long", "RUNNING")
    child = int(wait_for(cloud.step_folder(cluster, "long") / "stdout"))
    cloud.emr.terminate_job_flows(JobFlowIds=[cluster])
    cloud.cluster(cluster, "TERMINATED")
    assert is_gone(child)
    assert [each["Status"]["State"] for each in cloud.emr.list_steps(ClusterId=cluster)["Steps"]] == ["CANCELLED"] * 2


def test_a_killed_cloud_leaves_no_process_behind(tmp_path: Path) -> None:
    with running(tmp_path / "emr") as process:
        client = clients(address(process))
        make_roles(client)
        cloud = Cloud(client, tmp_path / "emr")
        cluster = cloud.start(step("long", "CONTINUE", "bash", "-c", "echo $$; sleep 600"))
        cloud.step(cluster, "long", "RUNNING")
        child = int(wait_for(cloud.step_folder(cluster, "long") / "stdout"))
        process.kill()
        process.wait()
        assert is_gone(child)


@pytest.mark.slow
def test_our_step_runs_in_the_bootstrap_actions_environment(
    cloud: Cloud, sample_photos: Path, random_backbone: Path
) -> None:
    s3 = cloud.s3
    script = Path(bootstrap.__file__).with_name("bootstrap.sh")
    s3.upload_file(str(script), "data", "bootstrap.sh")
    s3.upload_file(str(wheelhouse.provide(ARCHITECTURE)), "data", "wheelhouse.zip")
    s3.upload_file(str(random_backbone), "data", "models/backbone")
    for photo in sample_photos.rglob("*.jpg"):
        s3.upload_file(str(photo), "data", f"images/s/{photo.relative_to(sample_photos)}")
    code = make_bundle()
    for key, content in zip(code.keys, (code.archive, code.main), strict=True):
        s3.put_object(Bucket="data", Key=key, Body=content)
    size = executor_size(INSTANCE_TYPES["m6i.xlarge"])
    cluster = cloud.start(
        Configurations=[described(each) for each in spark(size, 1, 2, "/opt/orchard/python/bin/python", REGION)],
        BootstrapActions=[
            {
                "Name": "Python libraries",
                "ScriptBootstrapAction": {
                    "Path": "s3://data/bootstrap.sh",
                    "Args": [CLUSTER_PYTHON, "/opt/orchard/python", "s3://data/wheelhouse.zip"],
                },
            }
        ],
    )
    assert cloud.cluster(cluster, "WAITING", "TERMINATED_WITH_ERRORS")["State"] == "WAITING"
    archive, main = code.keys
    images = ["--images", "s3://data/images/s/", "--model", "s3://data/models/backbone"]
    configuration = step_configuration(
        "r1", f"s3://data/{archive}", f"s3://data/{main}", [*images, "--output", "s3://data/results/r1"]
    )
    made = cloud.add(cluster, configuration)
    status = cloud.step(cluster, "orchard r1", "COMPLETED", "FAILED")
    assert status["State"] == "COMPLETED", cloud.log(f"{cluster}/steps/{made}/stderr.gz")
    assert "40 of 40 photos used" in cloud.log(f"{cluster}/steps/{made}/stdout.gz")
    assert s3.head_object(Bucket="data", Key="results/r1/manifest.json")
