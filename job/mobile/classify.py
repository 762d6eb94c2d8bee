"""Run a phone model on this machine: from the bytes of a photo to its label and probability."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from job.errors import PhoneModelError, UsageError
from job.features.network import Backbone
from job.images import EXACT, decode_views
from job.mobile.build import MobileDescription, parse_description


class PhotoClassifier:
    """A loaded phone model; not thread-safe."""

    def __init__(self, path: str | Path) -> None:
        self.description = _read_description(path)
        try:
            self._network = Backbone(path)
        except (ValueError, RuntimeError) as error:
            raise _damaged(path) from error

    def probabilities(self, content: bytes) -> npt.NDArray[np.float32]:
        """Return the probability of each label, in the order of the description."""
        described = self.description
        views = decode_views(content, described.width, described.height, described.views, EXACT).pixels()
        result: npt.NDArray[np.float32] = self._network.run(views)[0]
        return result

    def classify(self, content: bytes) -> tuple[str, float]:
        """Return the most probable label and its probability; the first of equal ones."""
        given = self.probabilities(content)
        best = int(given.argmax())
        return self.description.labels[best], float(given[best])


def _read_description(path: str | Path) -> MobileDescription:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PhoneModelError(
            f"Cannot read the phone model '{path}': {error.strerror}.", "Create one: orchard results NAME --mobile FILE"
        ) from error
    try:
        described = parse_description(content)
    except Exception as error:  # the generated reader raises many kinds of errors on damaged files
        raise _damaged(path) from error
    if described is None:
        raise PhoneModelError(
            f"--mobile must be a phone model, got '{path}'.", "Create one: orchard results NAME --mobile FILE"
        )
    return described


def _damaged(path: str | Path) -> UsageError:
    return PhoneModelError(
        f"The phone model '{path}' is damaged.", "Create it again: orchard results NAME --mobile FILE"
    )
