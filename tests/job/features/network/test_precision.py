"""Tests of --precision: reduced precision stays close to full, and is only used where the processor has it."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from job.features.network import FAST, FULL, extractor, load, reduced_precision, split
from job.features.network.export import ExportRequest, cached_export
from job.features.network.litert import FLOAT32
from job.features.network.reduced_precision import BFLOAT16, ReducedPrecisionNetwork
from job.images import Pixels
from job.images.decode import decode
from job.spark.tasks import PhotosReport
from tests.conftest import REAL_PHOTOS, REAL_WEIGHTS, needs_real_photos
from tests.job.features.network.computed import Features, cosines, one_by_one


def _flags() -> set[str]:
    cpuinfo = Path("/proc/cpuinfo")
    return set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()


needs_bfloat16 = pytest.mark.skipif(
    "avx512bw" not in _flags(),
    reason="needs a processor that computes in bfloat16, or that has AVX-512 to compute the same numbers slowly",
)


def pixels(photos: list[Path]) -> list[Pixels]:
    return [decode(photo.read_bytes(), 224, 224) for photo in photos]


def at_reduced_precision(model: Path, photos: list[Pixels]) -> Features:
    network, batch = ReducedPrecisionNetwork(model), reduced_precision.BATCH
    features = np.empty((len(photos), 1280), np.float32)
    for start in range(0, len(photos), batch):
        network.compute_batch(photos[start : start + batch], features[start : start + batch])
    return features


@needs_bfloat16
def test_reduced_precision_is_close_to_full_on_drawn_photos(random_backbone: Path, sample_photos: Path) -> None:
    # Given one photo more than whole batches, so that the last batch is not full
    photos = pixels(sorted(sample_photos.glob("*/*.jpg"))[: 4 * reduced_precision.BATCH + 1])

    reduced = at_reduced_precision(random_backbone, photos)

    assert cosines(reduced, one_by_one(random_backbone, photos)).min() >= 0.995


@needs_bfloat16
def test_reduced_precision_is_no_copy_of_full(random_backbone: Path, sample_photos: Path) -> None:
    photos = pixels(sorted(sample_photos.glob("*/*.jpg"))[:1])

    assert not np.allclose(
        at_reduced_precision(random_backbone, photos), one_by_one(random_backbone, photos), rtol=1e-4, atol=0
    )


@needs_bfloat16
@needs_real_photos
@pytest.mark.parametrize(
    ("every", "compared"), [pytest.param(10, 49, id="one of each label"), pytest.param(1, 490, marks=pytest.mark.slow)]
)
def test_reduced_precision_is_close_to_full_for_every_real_photo(every: int, compared: int) -> None:
    model = cached_export(ExportRequest("mobilenet_v2", str(REAL_WEIGHTS), seed=0))
    photos = pixels(sorted((REAL_PHOTOS / "fruits-360-sample" / "Test").glob("*/*.jpg"))[::every])

    reduced = at_reduced_precision(model, photos)

    assert len(photos) == compared
    assert cosines(reduced, one_by_one(model, photos)).min() >= 0.995


@pytest.mark.slow
@needs_bfloat16
@needs_real_photos
def test_a_classifier_is_as_accurate_on_reduced_precision() -> None:
    model = cached_export(ExportRequest("mobilenet_v2", str(REAL_WEIGHTS), seed=0))
    folder = REAL_PHOTOS / "fruits-360-sample"
    training, test = sorted((folder / "Training").glob("*/*.jpg")), sorted((folder / "Test").glob("*/*.jpg"))
    trained, tested = pixels(training), pixels(test)

    def accuracy(compute: Any) -> float:
        classifier = make_pipeline(StandardScaler(), PCA(50, random_state=0), LogisticRegression(max_iter=1000))
        classifier.fit(compute(model, trained), [photo.parent.name for photo in training])
        return float(classifier.score(compute(model, tested), [photo.parent.name for photo in test]))

    assert abs(accuracy(at_reduced_precision) - accuracy(one_by_one)) <= 0.005


def test_without_bfloat16_fast_is_full(
    random_backbone: Path, sample_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a processor without bfloat16
    monkeypatch.setattr(reduced_precision, "is_available", lambda: False)
    photos = pixels(sorted(sample_photos.glob("*/*.jpg"))[:1])
    features = np.empty((1, 1280), np.float32)

    # When fast is asked for
    network = load(random_backbone, FAST)
    network.compute_batch(photos, features)

    # Then it says that it computes in full precision, and does
    assert (network.computed_in, network.batch) == (FLOAT32, split.BATCH)
    np.testing.assert_array_equal(features, one_by_one(random_backbone, photos))


@needs_bfloat16
def test_with_bfloat16_fast_is_bfloat16_and_full_stays_full(
    random_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduced_precision, "is_available", lambda: True)

    assert load(random_backbone, FAST).computed_in == BFLOAT16
    assert load(random_backbone, FULL).computed_in == FLOAT32


def report(photos: int, computed_in: str) -> PhotosReport:
    return PhotosReport(None, None, Counter(train=photos), Counter(), {}, Counter({computed_in: photos}))


def test_manifest_counts_photos_by_precision() -> None:
    reports = [report(300, BFLOAT16), report(200, FLOAT32), report(100, BFLOAT16), report(0, FLOAT32)]

    described = extractor.describe_precision(FAST, reports)

    assert described == {"requested": "fast", "photos": {"bfloat16": 400, "float32": 200}}


def test_fast_at_full_precision_gives_a_notice() -> None:
    told = extractor.precision_notice({"requested": "fast", "photos": {"bfloat16": 400, "float32": 1200}})

    assert told == ("1,200 photos were computed at full precision: there was no bfloat16, or no OpenVINO.")


@pytest.mark.parametrize(
    "precision",
    [{"requested": "full", "photos": {"float32": 3}}, {"requested": "fast", "photos": {"bfloat16": 3}}],
    ids=["full", "fast"],
)
def test_requested_precision_gives_no_notice(precision: dict[str, Any]) -> None:
    assert extractor.precision_notice(precision) is None
