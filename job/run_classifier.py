"""Reads the classifier that a run has fitted, from its plain numbers, as the steps that a phone's model takes."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from job.mobile import Classifier, Dense


@dataclass(frozen=True)
class RunClassifier:
    """What a run has fitted on its components.

    Parameters
    ----------
    kind
        "logistic", "tree", "forest" or "mlp".
    labels
        In the order of the probabilities.
    steps
        What leads from components to probabilities.
    """

    kind: str
    labels: tuple[str, ...]
    steps: Classifier


def read_classifier(model: Mapping[str, Any], numbers: bytes) -> RunClassifier:
    """Return a run's classifier.

    Parameters
    ----------
    model
        What ``classifier/model.json`` says.
    numbers
        The content of ``classifier/model.npz``.
    """
    with np.load(io.BytesIO(numbers), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return RunClassifier(model["kind"], tuple(model["labels"]), _steps(model["kind"], arrays))


def _steps(kind: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Classifier:
    assert kind == "logistic"  # noqa: S101
    return [Dense(arrays["weights"], arrays["bias"], "softmax")]
