"""Tests of infra/runs/plan.py: from arguments to what is read, sent and attached."""

from pathlib import Path

import pytest

from infra.errors import WrongUseError
from infra.runs.plan import plan, require_remote
from job import arguments
from job.features.network.export import ExportRequest

OUTPUT = ["--output", "anything"]


def test_names_become_uris_and_the_backbone_is_sent() -> None:
    argv = ["--images", "fruits/Apple Red 1", "--test", "s3://other/test", "--weights", "random", "--seed", "3"]
    asked = arguments.parse([*argv, *OUTPUT])

    made = plan(asked, "first", "data")

    assert made.photos == ("s3://data/images/fruits/Apple Red 1", "s3://other/test")
    assert made.backbone == ExportRequest("mobilenet_v2", "random", 3)
    assert made.results_key == "results/first"
    assert made.argv("s3://data/models/m.tflite") == [
        "--images=s3://data/images/fruits/Apple Red 1",
        "--output=s3://data/results/first",
        "--test=s3://other/test",
        "--seed=3",
        "--model=s3://data/models/m.tflite",
        "--variance=0.95",
    ]


def test_a_backbone_in_s3_is_not_sent_and_a_local_one_is() -> None:
    in_s3 = plan(arguments.parse(["--images", "a", "--model", "s3://m/x.tflite", *OUTPUT]), "n", "data")
    local = plan(arguments.parse(["--images", "a", "--model", "x.tflite", *OUTPUT]), "n", "data")

    assert (in_s3.backbone, in_s3.arguments.model) == (None, "s3://m/x.tflite")
    assert "--model=s3://m/x.tflite" in in_s3.argv(None)
    assert (local.backbone, local.arguments.model) == (Path("x.tflite"), None)


def test_visual_words_need_no_backbone_and_name_a_run() -> None:
    argv = ["--image-list", "s3://b/l.csv", "--descriptor", "orb", "--vocabulary", "first"]

    made = plan(arguments.parse([*argv, *OUTPUT]), "second", "data")

    assert (made.backbone, made.photos) == (None, ())
    assert "--vocabulary=s3://data/results/first" in made.argv(None)


def test_a_prediction_reads_a_run_of_the_cluster() -> None:
    made = plan(arguments.parse_predict(["--results", "first", "--images", "new", *OUTPUT]), "p", "data")

    assert made.argv(None) == [
        "predict",
        "--results=s3://data/results/first",
        "--images=s3://data/images/new",
        "--output=s3://data/results/p",
    ]
    assert made.backbone is None


@pytest.mark.parametrize("path", ["./photos", "../photos", "/photos"])
def test_refuses_a_local_path_with_the_upload_command(path: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        require_remote(arguments.parse(["--images", path, *OUTPUT]))

    assert raised.value.hint.endswith(f"orchard upload {path} photos")


@pytest.mark.parametrize("path", ["~/photos", "file:///home/x/photos"])
def test_the_upload_command_has_a_path_that_a_shell_reads(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/x")
    with pytest.raises(WrongUseError) as raised:
        require_remote(arguments.parse(["--images", path, *OUTPUT]))

    assert raised.value.hint.endswith("orchard upload /home/x/photos photos")


@pytest.mark.parametrize("name", ["photos", "photos/", "fruits/Training", "s3://bucket/photos/"])
def test_takes_sets_folders_of_sets_and_uris(name: str) -> None:
    require_remote(arguments.parse(["--images", name, *OUTPUT]))


def test_refuses_results_of_this_machine() -> None:
    with pytest.raises(WrongUseError, match="--results"):
        require_remote(arguments.parse_predict(["--results", "./results/first", "--images", "new", *OUTPUT]))


def test_a_trailing_slash_does_not_change_a_name() -> None:
    given = arguments.parse_predict(["--results", "first/", "--images", "fruits/Training/", *OUTPUT])

    placed = plan(given, "second", "bucket").arguments

    assert isinstance(placed, arguments.PredictArguments)
    assert (placed.images, placed.results) == ("s3://bucket/images/fruits/Training", "s3://bucket/results/first")
