"""Tests of job/classifiers/tuning.py, without Spark."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from job.classifiers import LinearModel, tuning
from job.classifiers.models import softmax
from job.classifiers.tuning import FOLDS, Rows, Sample, Scored
from job.pca import Classes


def test_log_loss_equals_scikit_learns() -> None:
    scores, classes = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 3

    assert tuning.log_loss(scores, classes, 0.5) == pytest.approx(log_loss(classes, softmax(2 * scores)))


def test_best_temperature_undoes_a_factor_of_the_scores() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=(20_000, 3)) * 2
    classes = (softmax(scores).cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)

    temperature, loss = tuning.best_temperature(scores * 50, classes)

    assert temperature == pytest.approx(50, rel=0.05)
    assert loss <= tuning.log_loss(scores * 50, classes, 50)


def test_folds_of_a_label_are_runs_of_the_listing() -> None:
    folds = tuning.draw_sample(["a"] * 10 + ["b"] * 3 + ["a"] * 5)

    assert folds.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, *(0, 1, 2), 3, 3, 4, 4, 4]


def test_a_sample_takes_the_first_photos_of_each_run() -> None:
    folds = tuning.draw_sample(["a"] * 40, largest=10)

    assert [folds.tolist().index(fold) for fold in range(FOLDS)] == [0, 8, 16, 24, 32]
    assert np.bincount(folds + 1).tolist() == [30, 2, 2, 2, 2, 2]


def test_a_sample_of_groups_takes_photos_at_equal_distances() -> None:
    grouped = [fold for fold in range(FOLDS) for _ in range(8)]

    folds = tuning.draw_sample(["a"] * 40, largest=10, grouped=grouped)

    assert np.flatnonzero(folds >= 0).tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]
    assert folds[folds >= 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def scored(scores: list[list[float]], classes: list[int]) -> Scored:
    """Return one fold, whose second setting knows nothing of class 1."""
    values = np.array(scores)
    return [values, values * [1, 0]], np.array(classes)


def test_setting_with_the_least_loss_is_chosen() -> None:
    folds = [scored([[2, 0], [0, 3]], [0, 1]), scored([[0, 1], [1, 0]], [1, 1])]

    choice = tuning.choose([0.5, 7], folds)

    losses = [tuning.best_temperature(*tuning.joined(folds, number)) for number in range(2)]
    assert choice.losses == {"0.5": losses[0][1], "7": losses[1][1]}
    assert (choice.setting, choice.temperature) == (0.5, losses[0][0])


def test_nothing_held_out_chooses_the_first_setting() -> None:
    choice = tuning.choose([0.3, 0.1], [])

    assert (choice.setting, choice.temperature, choice.losses) == (0.3, 1.0, {"0.3": 0.0, "0.1": 0.0})


def test_fold_is_scored_by_a_fit_of_the_others() -> None:
    sample = Sample(np.arange(8, dtype=np.float32)[:, np.newaxis], np.arange(8) % 2, np.arange(8) // 2)
    fitted: list[list[float]] = []

    def fit(rows: Rows, classes: Classes) -> list[LinearModel]:
        fitted.append([*rows[:, 0].tolist(), *classes.tolist()])
        return [LinearModel(np.array([[1.0], [factor]]), np.zeros(2)) for factor in (2, 3)]

    ((scores, classes),) = tuning.fold_scores(sample, 1, fit)

    assert fitted == [[0, 1, 4, 5, 6, 7, 0, 1, 0, 1, 0, 1]]
    assert [one.tolist() for one in scores] == [[[2, 4], [3, 6]], [[2, 6], [3, 9]]]
    assert classes.tolist() == [0, 1]


def test_labels_of_one_fold_are_not_scored() -> None:
    sample = Sample(np.zeros((3, 1), np.float32), np.array([0, 1, 0]), np.array([0, 0, 1]))
    model = LinearModel(np.zeros((2, 1)), np.zeros(2))

    ((_, classes),) = tuning.fold_scores(sample, 0, lambda *_: [model])

    assert classes.tolist() == [0]
    assert tuning.fold_scores(sample, 4, lambda *_: [model]) == []


@pytest.mark.parametrize("largest", [100, 7])
def test_sample_is_even(largest: int) -> None:
    drawn = tuning.evenly(largest, 50)

    assert len(drawn) == min(50, largest)
    assert set(np.diff(drawn).tolist()) <= ({1} if largest > 50 else {7, 8})
