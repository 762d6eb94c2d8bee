"""Fit logistic regression and the multilayer perceptron: SciPy's L-BFGS minimizes their mean log-loss.

The driver holds all training rows as float32. Loss and gradient are sums over blocks of rows, computed at the same time
and added in order, so that no bit depends on the number of cores.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from job.classifiers import tuning
from job.classifiers.distance import Floats
from job.classifiers.models import (
    LOGISTIC,
    PERCEPTRON,
    Classifier,
    LinearModel,
    PerceptronModel,
    sigmoid,
    softmax_and_logarithms,
)
from job.classifiers.training import Training
from job.classifiers.tuning import Choice, Rows, Sample
from job.matrices import matrix
from job.pca import Classes
from job.pca.passes import SumTask, classes_of
from job.results import DataFile
from job.spark import slices

Loss = Callable[[Floats, Floats, Classes], tuple[float, Floats]]
"""Returns the summed loss of some rows and its gradient, for the values of all parameters."""

PENALTIES = (0.1, 0.01, 0.001)
"""Candidates for the penalty; each is fitted from the one before."""

CHOOSING_TOL = 1e-5
"""Tolerance of the fits that compare penalties: a quarter faster than 1e-6, for the same penalty and temperature."""

ROWS_IN_A_BLOCK = 2048

FILES_AT_A_TIME = 16

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    LOGISTIC: {"penalty": 0.01, "iterations": 100, "tol": 1e-6},
    PERCEPTRON: {"hidden": [128], "iterations": 100, "tol": 1e-6},
}
"""Training parameters of each kind: arguments of the functions below; measured in docs/decisions/0054."""


def train(task: SumTask, files: Sequence[tuple[DataFile, int]], asked: Training, sample: Sample) -> Classifier:
    """Train a classifier on the training rows of files of components or features.

    ``files``: each with its number of training rows; ``sample``: of the same rows, for the penalty and the temperature.
    """
    labels, parameters = len(task.labels), {**PARAMETERS[asked.kind], **asked.parameters}
    losses: Mapping[str, Any] = {}
    model: LinearModel | PerceptronModel
    if asked.kind == LOGISTIC:
        choice = choose_penalty(sample, labels, **{**parameters, "tol": CHOOSING_TOL})
        parameters["penalty"] = choice.setting
        model = fit_logistic(*read_rows(task, files, asked.width), labels, **parameters)
        losses, temperature = {"log_loss_by_penalty": choice.losses}, choice.temperature
    else:
        parameters["seed"] = asked.seed

        def fit(rows: Rows, classes: Classes) -> list[PerceptronModel]:
            return [fit_perceptron(rows, classes, labels, **parameters)]

        scored = tuning.each_fold(lambda fold: tuning.fold_scores(sample, fold, fit))
        temperature, _ = tuning.best_temperature(*tuning.joined(scored))
        (model,) = fit(*read_rows(task, files, asked.width))
    return asked.trained(model, {**parameters, **losses}, temperature)


def choose_penalty(sample: Sample, labels: int, *, penalty: float, iterations: int, tol: float) -> Choice:
    """Return the penalty with the least log-loss on held-out photos; ``penalty`` without any."""

    def fit(rows: Rows, classes: Classes) -> list[LinearModel]:
        models: list[LinearModel] = []
        for candidate in PENALTIES:
            start = models[-1] if models else None
            models.append(
                fit_logistic(rows, classes, labels, penalty=candidate, iterations=iterations, tol=tol, start=start)
            )
        return models

    scored = tuning.each_fold(lambda fold: tuning.fold_scores(sample, fold, fit))
    return tuning.choose(PENALTIES, scored) if scored else Choice(penalty, 1.0, {})


def read_rows(task: SumTask, files: Sequence[tuple[DataFile, int]], width: int) -> tuple[Rows, Classes]:
    """Return the inputs, of shape (rows, width), and the classes of all training rows, in the order of the files."""
    ends = np.cumsum([count for _, count in files])
    rows, classes = np.empty((ends[-1], width), np.float32), np.empty(ends[-1], np.intp)

    def read(file: DataFile, count: int, end: int) -> None:
        table = slices.training_rows(task.output, file.path, task.prepare)
        rows[end - count : end], classes[end - count : end] = matrix(table[task.column]), classes_of(table, task.labels)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        reads = [pool.submit(read, file, count, end) for (file, count), end in zip(files, ends, strict=True) if count]
        for one in reads:
            one.result()
    return rows, classes


def fit_logistic(
    rows: Rows,
    classes: Classes,
    labels: int,
    *,
    penalty: float,
    iterations: int,
    tol: float,
    start: LinearModel | None = None,
) -> LinearModel:
    """Return a multinomial logistic regression.

    It minimizes the mean log-loss plus ``penalty / 2`` times the sum of all squared coefficients. Inputs are not
    standardized: the penalty then weighs more on the last components, which are mostly noise.

    ``start``: a similar model, from which the fit takes fewer iterations.
    """
    shape = (labels, rows.shape[1] + 1)
    first = np.zeros(shape) if start is None else np.column_stack([start.coefficients, start.intercepts])

    def loss(flat: Floats, inputs: Floats, classes: Classes) -> tuple[float, Floats]:
        values = flat.reshape(shape)
        summed, errors = log_loss_and_errors(inputs @ values[:, :-1].T + values[:, -1], classes)
        return summed, np.column_stack([errors.T @ inputs, errors.sum(axis=0)]).reshape(-1)

    penalties = np.full(shape, penalty)
    penalties[:, -1] = 0
    found = _minimize(loss, first.reshape(-1), rows, classes, penalties.reshape(-1), iterations, tol)
    values = found.reshape(shape)
    return LinearModel(values[:, :-1].copy(), values[:, -1].copy())


def fit_perceptron(
    rows: Rows, classes: Classes, labels: int, *, hidden: Sequence[int], iterations: int, tol: float, seed: int
) -> PerceptronModel:
    """Return a perceptron with sigmoid layers of the widths ``hidden``.

    Weights start as drawn by Glorot and Bengio (https://proceedings.mlr.press/v9/glorot10a.html), biases at zero.
    """
    layers = [rows.shape[1], *hidden, labels]
    random = np.random.default_rng(seed)
    start = []
    for inputs, outputs in pairwise(layers):
        limit = np.sqrt(6 / (inputs + outputs))
        start += [random.uniform(-limit, limit, inputs * outputs), np.zeros(outputs)]

    def loss(flat: Floats, inputs: Floats, classes: Classes) -> tuple[float, Floats]:
        model = _as_perceptron(flat, layers)
        values = [inputs]
        for weights, biases in zip(model.weights[:-1], model.biases[:-1], strict=True):
            values.append(sigmoid(values[-1] @ weights.T + biases))
        summed, errors = log_loss_and_errors(values[-1] @ model.weights[-1].T + model.biases[-1], classes)
        gradients: list[Floats] = []
        for number in reversed(range(len(values))):
            given = values[number]
            gradients += [errors.sum(axis=0), (errors.T @ given).reshape(-1)]
            if number:
                errors = (errors @ model.weights[number]) * given * (1 - given)
        return summed, np.concatenate(gradients[::-1])

    flat = np.concatenate(start)
    return _as_perceptron(_minimize(loss, flat, rows, classes, np.zeros(len(flat)), iterations, tol), layers)


def log_loss_and_errors(scores: Floats, classes: Classes) -> tuple[float, Floats]:
    """Return the summed negative logarithm of the probability of the rows' classes, and its gradient by the scores."""
    places = np.arange(len(classes))
    errors, logarithms = softmax_and_logarithms(scores)
    errors[places, classes] -= 1
    return float((logarithms - scores[places, classes]).sum()), errors


def _minimize(
    loss: Loss, start: Floats, rows: Rows, classes: Classes, penalties: Floats, iterations: int, tol: float
) -> Floats:
    blocks = [
        (rows[first : first + ROWS_IN_A_BLOCK], classes[first : first + ROWS_IN_A_BLOCK])
        for first in range(0, len(rows), ROWS_IN_A_BLOCK)
    ]

    # The number of threads of a product changes the last bits; the number of blocks at a time does not.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:

        def objective(values: Floats) -> tuple[float, Floats]:
            of_block = pool.map(lambda block: loss(values, block[0].astype(np.float64), block[1]), blocks)
            total, gradient = 0.0, penalties * values * len(rows)
            for summed, part in of_block:
                total += summed
                gradient += part
            return total / len(rows) + 0.5 * float((penalties * values * values).sum()), gradient / len(rows)

        options = {"maxiter": iterations, "maxfun": 20 * iterations, "ftol": tol, "gtol": 0.0}
        found: Floats = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    return found


def _as_perceptron(flat: Floats, layers: Sequence[int]) -> PerceptronModel:
    """Return the parameters of a perceptron: for each layer its weights, row by row, then its biases."""

    def parts() -> Iterator[tuple[Floats, Floats]]:
        place = 0
        for inputs, outputs in pairwise(layers):
            end = place + inputs * outputs
            yield flat[place:end].reshape(outputs, inputs), flat[end : end + outputs]
            place = end + outputs

    weights, biases = zip(*parts(), strict=True)
    return PerceptronModel(weights, biases)
