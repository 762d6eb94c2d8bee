"""Transform a photo's features before anything is fitted to them; docs/decisions/0140-feature-transform.md."""

import numpy as np
import numpy.typing as npt

from job.errors import NegativeFeaturesError

NO_TRANSFORM, SQRT = "none", "sqrt"
TRANSFORMS = (NO_TRANSFORM, SQRT)
"""Values of ``--feature-transform``."""


def transform_features(features: npt.NDArray[np.float32], transform: str) -> npt.NDArray[np.float32]:
    """Return features, of any shape, transformed by one of ``TRANSFORMS``.

    Raises
    ------
    NegativeFeaturesError
        If ``SQRT`` meets a negative feature.
    """
    if transform == NO_TRANSFORM:
        return features
    least = float(features.min(initial=0))
    if least < 0:
        raise NegativeFeaturesError(
            f"--feature-transform {SQRT} requires features of at least 0; this network computed {least:g}.",
            f"Leave out --feature-transform {SQRT}, or choose --backbone mobilenet_v2 or efficientnet_lite0.",
        )
    return np.sqrt(features)
