"""Train, evaluate and apply classifiers.

``choice``, ``discriminant``, ``folds``, ``predict``, ``sample``, ``stage`` and ``train`` are public too.

Most of these need Spark.
"""

from job.classifiers.evaluate import Evaluation, Pairs
from job.classifiers.models import (
    COMPONENTS,
    DISCRIMINANT,
    FEATURES,
    MODELS,
    Classifier,
    DiscriminantModel,
    Floats,
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
    "Classifier",
    "DiscriminantModel",
    "Evaluation",
    "Floats",
    "LinearModel",
    "Model",
    "Pairs",
    "PerceptronModel",
    "TreesModel",
]
