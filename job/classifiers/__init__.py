"""Train, evaluate and apply classifiers.

``stage``, ``train`` and ``predict`` are public too, and need Spark.
"""

from job.classifiers.evaluate import Evaluation, Pairs
from job.classifiers.models import MODELS, Classifier, Floats, LogisticModel, Model, PerceptronModel, TreesModel

__all__ = [
    "MODELS",
    "Classifier",
    "Evaluation",
    "Floats",
    "LogisticModel",
    "Model",
    "Pairs",
    "PerceptronModel",
    "TreesModel",
]
