"""A person who types commands in an account whose prices are a fake's, and a cluster that ran there."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.emr.models import emr_backends

from infra import cli
from infra.context import Context
from infra.runs.step import PREFIX
from tests.infra.fake_price_list import NOW, FakeAws, FakePriceList


class Person:
    """Types commands, and reads what comes back."""

    def __init__(self, price_list: FakePriceList, price_cache: Path | None = None) -> None:
        self.aws = FakeAws("eu-west-1", price_list)
        self.terminal = io.StringIO()
        self.price_cache = price_cache

    def types(self, line: str) -> int:
        context = Context(
            lambda: self.aws, terminal=self.terminal, clock=NOW.timestamp, sleep=_never, price_cache=self.price_cache
        )
        return cli.main(line.split(), context)

    def reads(self) -> str:
        return self.terminal.getvalue()


def cluster_that_ran(
    run: str, begin: datetime, minutes: int | None, step: tuple[int, int | None], bucket: str = "data"
) -> str:
    """Leave a cluster of four nodes in moto, two of them on Spot, at a time of its own: moto's timeline is now.

    Return its id; ``step`` is when its one run began and ended, in minutes since the cluster's begin.
    """
    client: Any = boto3.client("emr", "eu-west-1")
    groups = [("MASTER", 1, "ON_DEMAND"), ("CORE", 1, "ON_DEMAND"), ("TASK", 2, "SPOT")]
    cluster = client.run_job_flow(
        Name="orchard-1",
        ReleaseLabel="emr-7.14.0",
        JobFlowRole="nodes",
        ServiceRole="emr",
        Instances={
            "InstanceGroups": [
                {"InstanceRole": role, "InstanceCount": count, "InstanceType": "m5.xlarge", "Market": market}
                for role, count, market in groups
            ],
            "KeepJobFlowAliveWhenNoSteps": True,
            "Placement": {"AvailabilityZone": "eu-west-1a"},
        },
        Steps=[
            {
                "Name": PREFIX + run,
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": ["spark-submit", "run.py", "--output", f"s3://{bucket}/results/{run}"],
                },
            }
        ],
    )["JobFlowId"]
    made = emr_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].clusters[cluster]
    made.availability_zone = "eu-west-1a"
    for instance in made.ec2_instances:
        instance.instance_group.creation_date_time = begin
        instance.instance_group.end_date_time = None if minutes is None else begin + timedelta(minutes=minutes)
    ran: Any = made.steps[0]
    ran.start_date_time = begin + timedelta(minutes=step[0])
    ran.end_date_time = None if step[1] is None else begin + timedelta(minutes=step[1])
    ran.state = "RUNNING" if step[1] is None else "COMPLETED"
    return str(cluster)


def _never(_: float) -> None:
    raise AssertionError("nothing sleeps")
