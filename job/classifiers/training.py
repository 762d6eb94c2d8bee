"""What a classifier is trained on, and how: the same for every kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from job.classifiers.models import Classifier, Model
from job.classifiers.tuning import Sample
from job.pca import Moments
from job.spark.slices import Prepare, as_written


@dataclass(frozen=True)
class Training:
    """What to train a classifier on, and how."""

    kind: str  # a key of ``MODELS``
    classify_on: str  # COMPONENTS or FEATURES
    photos: Mapping[str, int]  # training photos by label
    width: int  # how many components or features a photo has
    seed: int
    listing: pa.Table
    moments: Moments | None = None  # of the features, by label, if the classifier reads features
    sample: Sample | None = None  # of the features, if the classifier reads features
    parameters: Mapping[str, Any] = field(default_factory=dict)  # those that differ from the defaults
    prepare: Prepare = as_written
    reject_below: float | None = None  # least probability of a label; None if no photo may be unknown

    @property
    def labels(self) -> tuple[str, ...]:
        """The training labels, sorted."""
        return tuple(sorted(self.photos))

    def trained(self, model: Model, parameters: Mapping[str, Any], temperature: float) -> Classifier:
        """Return the classifier with a model that was trained; ``parameters``: all of them, also chosen ones."""
        given = (self.kind, self.labels, self.width, parameters, model, self.classify_on)
        return Classifier(*given, temperature=temperature)
