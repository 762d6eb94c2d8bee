"""Tests of infra/local/demo.py."""

import json
import sys
from pathlib import Path

import pytest

from infra.local import demo
from job.errors import UsageError
from job.export import ExportRequest


def no_download(_request: ExportRequest) -> Path:
    raise UsageError("The ImageNet weights could not be downloaded: no network", "Give a file.")


def test_weights_that_were_asked_for_are_taken() -> None:
    assert demo.choose_weights("mine.h5") == "mine.h5"


def test_without_a_network_the_demo_says_that_its_weights_are_random(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "cached_export", no_download)

    assert demo.choose_weights(None) == "random"
    assert capsys.readouterr().out.splitlines() == [
        "The ImageNet weights could not be downloaded: no network",
        "The demonstration goes on with random weights: every stage runs, but the features mean nothing.",
    ]


def test_imagenet_weights_are_taken_where_they_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "cached_export", lambda _request: Path("cached"))

    assert demo.choose_weights(None) == "imagenet"


def test_the_job_is_called_as_a_person_would() -> None:
    command = demo.job_command(Path("p/training"), Path("p/test"), Path("r"), "random")

    assert command == [
        *(sys.executable, "-m", "job", "--images", "p/training", "--test", "p/test"),
        *("--backbone", "mobilenet_v2", "--weights", "random", "--output", "r", "--overwrite"),
    ]


def test_the_demo_ends_with_results(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = demo.main(["--folder", str(tmp_path), "--weights", "random"])

    assert code == 0
    manifest = json.loads((tmp_path / "results" / "manifest.json").read_text())
    assert (manifest["counts"]["train"], manifest["counts"]["test"]) == (150, 50)
    assert capfd.readouterr().out.endswith(f"To look at: {tmp_path}/results/report.html\n")
