"""Find the photos that are most like each photo, and lay photos out on a map: docs/decisions/0144."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from job.errors import NotInstalledError

NEAREST = 6
"""Photos that are shown as like another one."""

PERPLEXITY = 30
"""Of the map: about the number of neighbours that each photo is kept next to."""


def nearest(components: npt.NDArray[np.float32], candidates: Sequence[int]) -> list[list[int]]:
    """Return for each photo the candidates with the largest cosine, the largest first, without the photo itself.

    Parameters
    ----------
    components
        Shape (photos, k).
    candidates
        Rows of the photos to choose from.
    """
    if not candidates:
        return [[] for _ in components]
    lengths = np.linalg.norm(components, axis=1, keepdims=True)
    directions = components / np.where(lengths > 0, lengths, 1)
    cosines = directions @ directions[candidates].T
    cosines[candidates, np.arange(len(candidates))] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, : min(NEAREST, len(candidates) - 1)]
    found: list[list[int]] = np.array(candidates)[order].tolist()
    return found


def positions(components: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float64]:
    """Return a map of photos by t-SNE, of shape (photos, 2): photos with like components are next to each other.

    The same components and seed give the same map on one machine.

    ``components``: of shape (photos, k), with k at least 2.

    Raises
    ------
    NotInstalledError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.manifold import TSNE  # noqa: PLC0415 - only the map needs it, and clusters lack it
    except ImportError as error:
        raise NotInstalledError(
            "--map requires scikit-learn, which is not installed here.",
            "Install it: pip install scikit-learn; or leave out --map.",
        ) from error
    # t-SNE needs more photos than neighbours; of so few, the first two components say enough.
    perplexity = min(PERPLEXITY, (len(components) - 1) // 3)
    if perplexity < 1:
        return components[:, :2].astype(np.float64)
    # The number of threads changes the last bits, which t-SNE makes large.
    with threadpool_limits(1):
        model = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
        return np.asarray(model.fit_transform(components), np.float64)
