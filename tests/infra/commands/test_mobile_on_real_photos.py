"""The phone's model on real photos with real weights: the run's own label on every test photo."""

from pathlib import Path

import pytest

from infra.aws.client import Aws
from infra.commands.mobile import measure, photos_to_measure, run_model
from infra.runs.backbone import find_backbone
from infra.runs.fetch import in_folder
from job import arguments, pipeline
from job.mobile import with_float16_weights
from tests.conftest import REAL_PHOTOS, REAL_WEIGHTS, needs_real_photos


@pytest.mark.slow
@needs_real_photos
def test_phone_model_gives_labels_of_run_on_real_photos(tmp_path: Path) -> None:
    sample, output = REAL_PHOTOS / "fruits-360-sample", tmp_path / "results"
    words = ["--images", str(sample / "Training"), "--test", str(sample / "Test"), "--classifier", "logistic"]
    pipeline.run(arguments.parse([*words, "--weights", str(REAL_WEIGHTS), "--output", str(output)]))

    require_the_runs_own_labels(output, tmp_path)


def require_the_runs_own_labels(output: Path, folder: Path) -> None:
    aws, run = Aws("eu-west-1"), in_folder(output)
    full = run_model(run, find_backbone(run.manifest, None, aws, None).read_bytes())
    for name, model in (("full", full), ("small", with_float16_weights(full))):
        file = folder / f"{name}.tflite"
        file.write_bytes(model)

        measured = measure(lambda: aws, file, photos_to_measure(run))

        assert measured.photos == 490
        assert measured.agree == 490
        assert measured.right / measured.photos >= 0.97
