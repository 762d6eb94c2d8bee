"""Train, evaluate and apply classifiers.

``choice``, ``discriminant``, ``folds``, ``precision``, ``predict``, ``sample``, ``stage``, ``training``, ``tuning`` and
``unknown`` are public too. Most of these need Spark.
"""

from job.classifiers.distance import UNKNOWN, Distance, Floats, with_unknown
from job.classifiers.evaluate import Evaluation, Pairs
from job.classifiers.models import (
    COMPONENTS,
    DISCRIMINANT,
    FEATURES,
    MODELS,
    PERCEPTRON,
    Classifier,
    LinearModel,
    Model,
    PerceptronModel,
    TreesModel,
)

__all__ = [
    "COMPONENTS",
    "DISCRIMINANT",
    "FEATURES",
    "MODELS",
    "PERCEPTRON",
    "UNKNOWN",
    "Classifier",
    "Distance",
    "Evaluation",
    "Floats",
    "LinearModel",
    "Model",
    "Pairs",
    "PerceptronModel",
    "TreesModel",
    "with_unknown",
]
