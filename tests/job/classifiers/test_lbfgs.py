"""Tests of job/classifiers/lbfgs.py, compared with scikit-learn and with differences of the loss; without Spark."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from job.classifiers import COMPONENTS, Classifier, Floats, LinearModel, lbfgs, tuning
from job.classifiers.lbfgs import PENALTIES
from job.classifiers.training import Training
from job.classifiers.tuning import Rows, Sample
from job.images import TRAIN
from job.matrices import matrix
from job.pca import Classes
from job.pca.passes import SumTask
from job.results import layout
from tests.job.classifiers.overlapping import LABELS, overlapping_photos, write_files

EXACT: dict[str, Any] = {"iterations": 1000, "tol": 0.0}


@pytest.fixture(scope="module")
def training() -> tuple[Rows, Classes]:
    photos = overlapping_photos(layout.COMPONENTS_SCHEMA)
    rows = photos.filter(np.array(photos["split"].to_pylist()) == TRAIN)
    return matrix(rows["components"]), np.array([LABELS.index(label) for label in rows["label"].to_pylist()])


@pytest.mark.parametrize("penalty", [1e-4, 0.01, 1.0])
def test_logistic_regression_equals_scikit_learns(training: tuple[Rows, Classes], penalty: float) -> None:
    rows, classes = training
    reference = LogisticRegression(C=1 / (penalty * len(rows)), tol=1e-10, max_iter=10_000)
    reference.fit(rows.astype(np.float64), classes)

    model = lbfgs.fit_logistic(rows, classes, 3, penalty=penalty, **EXACT)

    np.testing.assert_allclose(model.coefficients, reference.coef_, rtol=0, atol=1e-5)
    expected = reference.predict_proba(rows.astype(np.float64))
    np.testing.assert_allclose(model.probabilities(rows.astype(np.float64)), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("hidden", [[4], [4, 3], []])
def test_gradient_of_perceptron_equals_differences(
    training: tuple[Rows, Classes], hidden: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the loss that the fit minimizes
    taken: list[Any] = []

    def take(loss: lbfgs.Loss, start: Floats, *_: object) -> Floats:
        taken.append(loss)
        return start

    monkeypatch.setattr(lbfgs, "_minimize", take)
    rows, classes = training
    lbfgs.fit_perceptron(rows, classes, 3, hidden=hidden, seed=1, **EXACT)
    widths = [5, *hidden, 3]
    count = sum((one + 1) * other for one, other in pairwise(widths))
    values, inputs = np.random.default_rng(2).normal(size=count) * 0.3, rows[:20].astype(np.float64)

    _, gradient = taken[0](values, inputs, classes[:20])

    steps = np.eye(count) * 1e-6
    differences = [
        (taken[0](values + step, inputs, classes[:20])[0] - taken[0](values - step, inputs, classes[:20])[0]) / 2e-6
        for step in steps
    ]
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-6)


def test_perceptron_learns_what_no_line_separates() -> None:
    random = np.random.default_rng(0)
    rows = random.uniform(-1, 1, (400, 2)).astype(np.float32)
    classes = ((rows[:, 0] > 0) ^ (rows[:, 1] > 0)).astype(np.intp)

    model = lbfgs.fit_perceptron(rows, classes, 2, hidden=[8], iterations=200, tol=1e-9, seed=0)

    assert (model.probabilities(rows.astype(np.float64)).argmax(axis=1) == classes).mean() > 0.98


@pytest.mark.parametrize("kind", list(lbfgs.PARAMETERS))
def test_cores_change_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(lbfgs, "ROWS_IN_A_BLOCK", 16)
    written = write_files(tmp_path, overlapping_photos(layout.COMPONENTS_SCHEMA), [240])
    found = []
    for cores in (1, 2, 7):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        found.append(train(written, kind).to_files())

    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("kind", list(lbfgs.PARAMETERS))
def test_model_does_not_depend_on_the_cut_into_files(tmp_path: Path, kind: str) -> None:
    photos = overlapping_photos(layout.COMPONENTS_SCHEMA)

    one = train(write_files(tmp_path / "one", photos, [240]), kind)
    many = train(write_files(tmp_path / "many", photos, [32] * 7 + [16]), kind)

    assert one.to_files() == many.to_files()


@pytest.fixture
def sample(training: tuple[Rows, Classes]) -> Sample:
    return Sample(*training, tuning.draw_sample([LABELS[number] for number in training[1]]))


def test_penalty_with_the_least_held_out_loss_is_chosen(sample: Sample) -> None:
    choice = lbfgs.choose_penalty(sample, 3, penalty=0.01, **EXACT)

    def loss(penalty: float) -> float:
        def fit(rows: Rows, classes: Classes) -> list[LinearModel]:
            return [lbfgs.fit_logistic(rows, classes, 3, penalty=penalty, **EXACT)]

        scored = tuning.each_fold(lambda fold: tuning.fold_scores(sample, fold, fit))
        return tuning.best_temperature(*tuning.joined(scored))[1]

    expected = {f"{penalty:g}": loss(penalty) for penalty in PENALTIES}
    assert choice.losses == pytest.approx(expected, rel=1e-6)
    assert f"{choice.setting:g}" == min(expected, key=expected.__getitem__)


def test_one_photo_a_label_keeps_the_penalty(sample: Sample) -> None:
    alone = Sample(sample.rows[:3], np.arange(3), np.arange(3))

    choice = lbfgs.choose_penalty(alone, 3, penalty=0.25, **EXACT)

    assert (choice.setting, choice.temperature) == (0.25, 1.0)


def test_logistic_regression_records_the_losses_of_penalties(tmp_path: Path) -> None:
    trained = train(write_files(tmp_path, overlapping_photos(layout.COMPONENTS_SCHEMA), [240]), "logistic")

    losses = trained.parameters["log_loss_by_penalty"]
    assert list(losses) == [f"{penalty:g}" for penalty in PENALTIES]
    assert losses[f"{trained.parameters['penalty']:g}"] == min(losses.values())


@pytest.mark.parametrize("kind", list(lbfgs.PARAMETERS))
def test_temperature_is_that_of_held_out_photos(tmp_path: Path, kind: str) -> None:
    assert (
        0.3 < train(write_files(tmp_path, overlapping_photos(layout.COMPONENTS_SCHEMA), [240]), kind).temperature != 1
    )


def test_parameters_are_recorded_with_the_changed_ones(tmp_path: Path) -> None:
    written = write_files(tmp_path, overlapping_photos(layout.COMPONENTS_SCHEMA), [240])

    changed = train(written, "mlp", {"hidden": [2, 2]})

    assert changed.parameters == {**lbfgs.PARAMETERS["mlp"], "hidden": [2, 2], "seed": 1}
    assert [weights.shape for weights in changed.model.weights] == [(2, 5), (2, 2), (3, 2)]  # type: ignore[attr-defined]


def train(written: Any, kind: str, changed: dict[str, Any] | None = None) -> Classifier:
    output, files = written
    task = SumTask(output, COMPONENTS, LABELS)
    rows, classes = lbfgs.read_rows(task, files, 5)
    sample = Sample(rows, classes, tuning.draw_sample([LABELS[number] for number in classes]))
    asked = Training(kind, COMPONENTS, dict.fromkeys(LABELS, 80), 5, 1, pa.table({}), parameters=changed or {})
    return lbfgs.train(task, files, asked, sample)
