"""Tests of job/classifiers/discriminant.py, compared with scikit-learn."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from threadpoolctl import threadpool_limits

from job.classifiers import discriminant, tuning
from job.classifiers.discriminant import SHRINKAGES
from job.classifiers.tuning import FOLDS, Sample
from job.pca import Classes, Moments

Rows = npt.NDArray[np.float32]


def photos(labels: int, rows: int = 300, dimensions: int = 12) -> tuple[Rows, Classes]:
    """Return correlated rows with a large mean, and their classes, of unequal sizes."""
    random = np.random.default_rng(labels)
    classes = np.minimum(random.geometric(0.4, rows) - 1, labels - 1)
    classes[:labels] = np.arange(labels)
    mixing = random.normal(size=(dimensions, dimensions)) * np.logspace(0, -2, dimensions)
    means = random.normal(size=(labels, dimensions)) + 4
    return (random.normal(size=(rows, dimensions)) @ mixing + means[classes]).astype(np.float32), classes


def moments_of(rows: Rows, classes: Classes) -> Moments:
    moments = Moments.nothing(rows[0].astype(np.float64), int(classes.max()) + 1)
    moments.add_rows(rows, classes)
    return moments


def scikit_learn(rows: Rows, classes: Classes, shrinkage: float) -> LinearDiscriminantAnalysis:
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    return model.fit(rows.astype(np.float64), classes)


@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("labels", [3, 7])
def test_coefficients_equal_scikit_learns(labels: int, shrinkage: float) -> None:
    rows, classes = photos(labels)

    model = discriminant.fit(moments_of(rows, classes), shrinkage)

    reference = scikit_learn(rows, classes, shrinkage)
    np.testing.assert_allclose(model.coefficients, reference.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.intercepts, reference.intercept_, rtol=1e-9)
    np.testing.assert_allclose(
        model.probabilities(rows.astype(np.float64)), reference.predict_proba(rows.astype(np.float64)), atol=1e-9
    )


def test_two_labels_are_fitted_as_two_classes() -> None:
    rows, classes = photos(2)

    model = discriminant.fit(moments_of(rows, classes), 0.2)

    # scikit-learn keeps the difference of the two classes.
    reference = scikit_learn(rows, classes, 0.2)
    np.testing.assert_allclose(model.coefficients[1] - model.coefficients[0], reference.coef_[0], rtol=1e-9)
    np.testing.assert_allclose(model.intercepts[1] - model.intercepts[0], reference.intercept_[0], rtol=1e-9)


def test_fewer_photos_than_features_are_fitted() -> None:
    rows, classes = photos(3, rows=20, dimensions=60)

    model = discriminant.fit(moments_of(rows, classes), 0.1)

    np.testing.assert_allclose(model.coefficients, scikit_learn(rows, classes, 0.1).coef_, rtol=1e-9)


def test_fit_does_not_depend_on_the_number_of_threads() -> None:
    moments = moments_of(*photos(5, rows=600, dimensions=300))
    fitted = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, "blas"):
            fitted.append(discriminant.fit(moments, 0.1).coefficients.tobytes())

    assert len(set(fitted)) == 1


def sample_of(rows: Rows, classes: Classes) -> Sample:
    return Sample(rows, classes, tuning.draw_sample([str(number) for number in classes]))


def test_scores_are_of_folds_left_out_of_the_fit() -> None:
    rows, classes = photos(4)
    sample = sample_of(rows, classes)

    scored = discriminant.held_out_scores(moments_of(rows, classes), sample, [0.05, 0.6])

    (first, of), (second, _) = (tuning.joined(scored, number) for number in range(2))
    assert of.tolist() == np.concatenate([classes[sample.folds == fold] for fold in range(FOLDS)]).tolist()
    for found, shrinkage in zip((first, second), (0.05, 0.6), strict=True):
        expected = [
            scikit_learn(rows[sample.folds != fold], classes[sample.folds != fold], shrinkage).decision_function(
                rows[sample.folds == fold].astype(np.float64)
            )
            for fold in range(FOLDS)
        ]
        np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-6)


def test_the_shrinkage_with_the_least_loss_is_chosen() -> None:
    rows, classes = photos(4)

    choice = discriminant.choose(moments_of(rows, classes), sample_of(rows, classes))

    assert list(choice.losses) == [f"{candidate:g}" for candidate in SHRINKAGES]
    assert choice.losses[f"{choice.setting:g}"] == min(choice.losses.values())


def test_labels_with_one_photo_have_no_held_out_score() -> None:
    rows, classes = photos(4)
    more, with_one = np.concatenate([rows, rows[:1]]), np.concatenate([classes, [4]])

    scored = discriminant.held_out_scores(moments_of(more, with_one), sample_of(more, with_one), [0.1])

    scores, of = tuning.joined(scored)
    assert sorted(of.tolist()) == sorted(classes.tolist())
    assert np.isfinite(tuning.best_temperature(scores, of)).all()


def test_one_photo_a_label_gives_no_choice_but_a_model() -> None:
    rows, classes = photos(4, rows=4)

    choice = discriminant.choose(moments_of(rows, classes), sample_of(rows, classes))

    assert (choice.setting, choice.temperature) == (SHRINKAGES[0], 1.0)
