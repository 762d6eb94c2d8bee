"""Tests of infra/commands/demonstration.py; the whole way itself is walked by tests/e2e."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra import commandline
from infra.commands import demonstration
from job.errors import OrchardError, WeightsNotDownloadedError, WeightsPackageError
from job.features.network.export import ExportRequest


def asks_for(
    monkeypatch: pytest.MonkeyPatch, unavailable: Mapping[str, type[OrchardError]], asked: str | None = None
) -> tuple[str, str, list[str]]:
    """Return network and weights of a demo where some networks cannot be exported, and what it says."""

    def cached_export(request: ExportRequest) -> Path:
        if request.backbone in unavailable:
            raise unavailable[request.backbone]("No weights.", "Get them.")
        return Path("cached")

    monkeypatch.setattr(demonstration, "cached_export", cached_export)
    said: list[str] = []
    chosen = demonstration.choose_backbone(asked, said.append)
    return chosen.backbone, chosen.weights, said


def test_weights_that_were_asked_for_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.h5").touch()

    assert asks_for(monkeypatch, {}, str(tmp_path / "mine.h5")) == ("mobilenet_v2", str(tmp_path / "mine.h5"), [])


def test_installed_weights_are_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asks_for(monkeypatch, {}) == ("efficientnet_lite0", "imagenet", [])


def test_without_the_package_weights_are_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    unavailable = {"efficientnet_lite0": WeightsPackageError}

    assert asks_for(monkeypatch, unavailable) == ("mobilenet_v2", "imagenet", [])


def test_without_a_network_the_demo_uses_random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    unavailable = {"efficientnet_lite0": WeightsPackageError, "mobilenet_v2": WeightsNotDownloadedError}

    backbone, weights, said = asks_for(monkeypatch, unavailable)

    assert (backbone, weights) == ("mobilenet_v2", "random")
    assert len(said) == 2


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


def test_a_second_demo_replaces_the_results_of_the_first(tmp_path: Path) -> None:
    given = commandline.parse(demonstration.fetch_command(tmp_path))

    assert (given.results, str(given.output), given.overwrite) == (demonstration.RUN, str(tmp_path), True)


def test_what_has_been_synthesised_is_deployed() -> None:
    assert demonstration.deploy_command(Path("/demo/cdk.out")) == [
        *("cdk", "deploy", "--app", "/demo/cdk.out", "--all", "--require-approval", "never"),
    ]


def test_an_answer_is_the_status_or_the_service_s_own_error_code() -> None:
    def denied() -> dict[str, object]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    assert demonstration.answer(lambda: {"ResponseMetadata": {"HTTPStatusCode": 200}}) == "200"
    assert demonstration.answer(denied) == "AccessDenied"
