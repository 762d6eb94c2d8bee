"""Runs the phone's model on this machine: a photo's bytes in, its label and probability out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from job.errors import PhoneModelError, UsageError
from job.features.network import Backbone
from job.images.decode import decode
from job.mobile.build import MobileDescription, parse_description


class PhotoClassifier:
    """A loaded model; not for several threads at once."""

    def __init__(self, path: str | Path) -> None:
        self.description = _read_description(path)
        try:
            self._network = Backbone(path)
        except (ValueError, RuntimeError) as error:
            raise _damaged(path) from error

    def probabilities(self, content: bytes) -> npt.NDArray[np.float32]:
        """Return the probability of every label, in the order of the description."""
        given = np.empty(len(self.description.labels), np.float32)
        self._network.compute(decode(content, self.description.width, self.description.height), given)
        return given

    def classify(self, content: bytes) -> tuple[str, float]:
        """Return the most probable label and its probability; of equal ones the first."""
        given = self.probabilities(content)
        best = int(given.argmax())
        return self.description.labels[best], float(given[best])


def _read_description(path: str | Path) -> MobileDescription:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PhoneModelError(
            f"The model '{path}' cannot be read: {error.strerror}.", "Make one: orchard results NAME --mobile FILE"
        ) from error
    try:
        described = parse_description(content)
    except Exception as error:  # the generated reader fails in many ways on what is cut off
        raise _damaged(path) from error
    if described is None:
        raise PhoneModelError(f"'{path}' is no model for phones.", "Make one: orchard results NAME --mobile FILE")
    return described


def _damaged(path: str | Path) -> UsageError:
    return PhoneModelError(f"The model '{path}' is damaged.", "Make it again: orchard results NAME --mobile FILE")
