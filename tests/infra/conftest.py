"""Synthesises the environment, once for each set of settings, and shares the templates."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import boto3
import pytest
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.cloudformation.models import Event, cloudformation_backends
from moto.emr.models import emr_backends

from infra.aws.client import Aws
from infra.context import Context
from tests.infra.fake_price_list import FakePriceList
from tests.infra.person import Person
from tests.infra.s3_server import FakeS3, running
from tests.infra.synthesis import Environment, Synthesise, synthesise


@pytest.fixture(scope="session")
def stub_wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that stands for the wheelhouse: templates only hold its hash."""
    path = tmp_path_factory.mktemp("wheelhouse") / "wheelhouse.zip"
    path.write_bytes(b"no wheels")
    return path


@pytest.fixture(scope="session")
def environment(stub_wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesise]:
    """Return a function from settings that differ from cdk.json to the synthesised environment."""

    @cache
    def cached(settings: tuple[tuple[str, Any], ...]) -> Environment:
        return synthesise(dict(settings), stub_wheelhouse, tmp_path_factory.mktemp("cdk.out"))

    def of(**settings: object) -> Environment:
        return cached(tuple(sorted(settings.items())))

    yield of
    cached.cache_clear()


REGION: Literal["eu-west-1"] = "eu-west-1"

ACCOUNT = "123456789012"
"""moto's."""


@pytest.fixture
def aws(s3_endpoint: str) -> Aws:
    """Return an account served by moto on this machine."""
    del s3_endpoint
    return Aws(REGION)


@pytest.fixture
def fake_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    """Run an S3 that fails as it is told to, and point everything that speaks to AWS at it."""
    with running() as fake:
        settings = {
            "AWS_ENDPOINT_URL": fake.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIDTESTING",
            "AWS_SECRET_ACCESS_KEY": "very-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def price_list() -> FakePriceList:
    """Return prices of one type in one region."""
    made = FakePriceList()
    made.add_region("eu-west-1", "m5.xlarge", ec2="0.214", emr="0.048", spot="0.09")
    return made


@pytest.fixture
def person(price_list: FakePriceList) -> Iterator[Person]:
    """Return a person whose account is moto's, in this process, and empty."""
    with mock_aws():
        yield Person(price_list)


@dataclass
class World:
    """What surrounds a command in a test: a clock that only sleeping moves, and programs that are only noted.

    Parameters
    ----------
    aws
        The account.
    during_sleep
        Called at every sleep, with how many there were before: lets the world move on.
    exit_codes
        Of the programs that are called, in turn, or why one cannot be called; 0 once they are used up.
    """

    aws: Aws
    during_sleep: Callable[[int], None] = lambda _count: None
    exit_codes: list[int | BaseException] = field(default_factory=list)
    called: list[list[str]] = field(default_factory=list)
    terminal: io.StringIO = field(default_factory=io.StringIO)
    slept: list[float] = field(default_factory=list)

    def context(self, typed: str = "") -> Context:
        return Context(
            lambda: self.aws,
            terminal=self.terminal,
            keyboard=io.StringIO(typed),
            clock=lambda: 1_790_000_000 + sum(self.slept),
            sleep=self._sleep,
            call=self._call,
        )

    @property
    def said(self) -> list[str]:
        return self.terminal.getvalue().splitlines()

    def _sleep(self, seconds: float) -> None:
        self.during_sleep(len(self.slept))
        self.slept.append(seconds)

    def _call(self, command: Sequence[str]) -> int:
        self.called.append(list(command))
        code = self.exit_codes.pop(0) if self.exit_codes else 0
        if isinstance(code, BaseException):
            raise code
        return code


@dataclass
class FakeCall:
    """One operation that moto does not have, or not as a test needs it: boto3 builds and checks the request as always.

    Attributes
    ----------
    answers
        What comes back, in turn, the last one again and again; each must be what the service's model allows.
        One with the name ``Error`` is a refusal.
    sent
        The requests.
    """

    answers: Sequence[Mapping[str, Any]]
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        body = params["body"]
        self.sent.append(dict(body) if isinstance(body, Mapping) else json.loads(body))
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        metadata = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        if "Error" in answer:
            return SimpleNamespace(status_code=400), {**answer, **metadata}
        if model.output_shape is not None:
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), report.generate_report()
        return SimpleNamespace(status_code=200), {**answer, **metadata}


def fake_call(aws: Aws, operation: str, *answers: Mapping[str, Any]) -> FakeCall:
    """Answer an operation like ``emr.CancelSteps`` with a fake, for this account object only; return the fake."""
    made = FakeCall(answers)
    # A client has its own copy of the session's hooks from the time when it was made.
    for events in (aws._session.events, aws.emr.meta.events, aws.cloudformation.meta.events):
        events.register(f"before-call.{operation}", made)  # type: ignore[arg-type]
    return made


@pytest.fixture
def world(aws: Aws) -> World:
    """Return a world in which nothing is deployed."""
    return World(aws)


@dataclass
class Deployed:
    """Stacks and a cluster, as they are after a deployment."""

    data: str
    logs: str
    cluster: str

    def set_cluster_state(self, state: str, reason: str = "") -> None:
        """Let the cluster have come into another state, for a reason that begins with EMR's code."""
        self._cluster().state = state
        self._cluster().last_state_change_reason = reason

    def set_step_state(self, state: str, started: datetime | None = None) -> None:
        """Let the newest step have come into another state, and have begun then; moto itself notes no beginning."""
        step = self._cluster().steps[-1]
        step.state = state
        step.start_date_time = started or step.start_date_time

    def forget_cluster(self) -> None:
        """Leave no cluster behind for the tests that come after."""
        self._backend().clusters.pop(self.cluster)

    def _cluster(self) -> Any:
        return self._backend().clusters[self.cluster]

    def _backend(self) -> Any:
        # moto's server keeps every EMR cluster in one region, whichever was asked.
        account: Any = emr_backends[ACCOUNT]
        return next(backend for backend in account.values() if self.cluster in backend.clusters)


def make_stack(aws: Aws, name: str, outputs: dict[str, str]) -> None:
    """Make a stack that says of itself what ours says."""
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    aws.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))


def let_stick(aws: Aws, name: str, times: int) -> list[str]:
    """Have CloudFormation fail to delete a stack the first times, as it does when a bucket is not empty.

    Return a list of the stacks that it is asked to delete, which grows as it is asked. moto deletes whatever it is
    asked to, and cannot play this.
    """
    asked: list[str] = []

    def answer(params: Mapping[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]] | None:
        asked.append(params["body"]["StackName"])
        if asked[-1] != name or asked.count(name) > times:
            return None
        stack: Any = cloudformation_backends[ACCOUNT][REGION].get_stack(name)
        stack.status = "DELETE_FAILED"
        stack._add_stack_event("DELETE_IN_PROGRESS")
        of_stack = stack.events[-1]
        failed = Event(
            of_stack.stack_id, name, "Logs", "logs", "AWS::S3::Bucket", "DELETE_FAILED", "It is not empty.", None
        )
        stack.events.append(failed)
        stack._add_stack_event("DELETE_FAILED")
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    aws.cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", answer)  # type: ignore[arg-type]
    return asked


@pytest.fixture
def deployed(aws: Aws, request: pytest.FixtureRequest) -> Iterator[Deployed]:
    """Deploy buckets, evaluator and a waiting cluster; take them away afterwards."""
    number = abs(hash(request.node.nodeid)) % 10**8
    data, logs = f"data-{number}", f"logs-{number}"
    for bucket in (data, logs):
        aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    cluster = aws.emr.run_job_flow(
        Name="orchard-3",
        LogUri=f"s3://{logs}/emr/",
        Instances={
            "MasterInstanceType": "m5.xlarge",
            "SlaveInstanceType": "m5.xlarge",
            "InstanceCount": 2,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
        JobFlowRole="node",
        ServiceRole="service",
    )["JobFlowId"]
    make_stack(aws, "OrchardData", {"DataBucket": data, "LogsBucket": logs})
    make_stack(aws, "OrchardAccess", {"EvaluatorUser": "evaluator", "EvaluatorSecret": "arn:secret"})
    make_stack(aws, "OrchardCluster", {"ClusterId": cluster})
    made = Deployed(data, logs, cluster)
    yield made
    made.forget_cluster()
    for stack in ("OrchardCluster", "OrchardAccess", "OrchardData"):
        aws.cloudformation.delete_stack(StackName=stack)
    everything: Any = boto3.resource("s3")
    for bucket in everything.buckets.all():
        # What a test tagged as ours would be found by the next one.
        if bucket.name in (data, logs):
            bucket.object_versions.all().delete()
            bucket.delete()
