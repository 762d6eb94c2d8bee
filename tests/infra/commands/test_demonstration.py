"""Tests of infra/commands/demonstration.py; the whole way itself is walked by tests/e2e."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.commands import demonstration
from job.errors import UsageError
from job.features.network.export import ExportRequest


def no_download(_request: ExportRequest) -> Path:
    raise UsageError("The ImageNet weights could not be downloaded: no network", "Give a file.")


def test_weights_that_were_asked_for_are_taken() -> None:
    assert demonstration.choose_weights("mine.h5", pytest.fail) == "mine.h5"


def test_without_a_network_the_demo_uses_random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "cached_export", no_download)
    said: list[str] = []

    assert demonstration.choose_weights(None, said.append) == "random"
    assert said[0] == "The ImageNet weights could not be downloaded: no network"
    assert "random weights" in said[1]


def test_imagenet_weights_are_taken_where_they_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "cached_export", lambda _request: Path("cached"))

    assert demonstration.choose_weights(None, pytest.fail) == "imagenet"


@pytest.mark.parametrize(
    ("machine", "instance_type"), [("x86_64", "m6i.xlarge"), ("aarch64", "m6g.xlarge"), ("arm64", "m6g.xlarge")]
)
def test_the_cluster_has_the_machine_s_own_processor(machine: str, instance_type: str) -> None:
    command = demonstration.synth_command("eu-west-1", machine, Path("/demo/cdk.out"))

    assert command == [
        *("cdk", "synth", "--quiet", "--output", "/demo/cdk.out", "-c", "region=eu-west-1"),
        *("-c", f"primary_instance_types={instance_type}", "-c", f"worker_instance_types={instance_type}"),
        *("-c", "delete_data=true", "-c", "confirm_delete_data=true"),
    ]


def test_what_has_been_synthesised_is_deployed() -> None:
    assert demonstration.deploy_command(Path("/demo/cdk.out")) == [
        *("cdk", "deploy", "--app", "/demo/cdk.out", "--all", "--require-approval", "never"),
    ]


def test_an_answer_is_the_status_or_the_service_s_own_error_code() -> None:
    def denied() -> dict[str, object]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    assert demonstration.answer(lambda: {"ResponseMetadata": {"HTTPStatusCode": 200}}) == "200"
    assert demonstration.answer(denied) == "AccessDenied"
