"""A vocabulary of visual words, which counts how often each word occurs in a photo."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from job import storage
from job.errors import ResultsUnusableError, UsageError
from job.features.words.descriptors import KINDS, DescriptorKind, Descriptors
from job.matrices import from_npz, row_products, to_npz
from job.results import layout

SHARE_OF_COMPONENTS = (7, 10)
"""Components kept for each word by default, as a fraction: 0.7 exactly, which no float is."""


@dataclass(frozen=True)
class Learning:
    """How many words are learned, from about how many descriptors, in how many iterations of K-Means at most.

    The seed draws the sample and the first centres.
    """

    words: int
    sample: int
    iterations: int
    seed: int


@dataclass(frozen=True)
class Vocabulary:
    """Visual words, and how the descriptors that they are compared with are made.

    Parameters
    ----------
    words
        The centres: float64 of shape (words, kind.dimensions).
    """

    kind: DescriptorKind
    keypoints: int
    words: npt.NDArray[np.float64]

    def histograms(self, descriptors: Descriptors, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return how often each word occurs in each photo.

        A descriptor counts for the nearest word by Euclidean distance, the first of equally near ones. One matrix
        product gives all distances: ``|d - w|^2 = |d|^2 - 2 d.w + |w|^2``, where ``|d|^2`` does not matter.

        Parameters
        ----------
        descriptors
            uint8 of shape (n, kind.width): those of all photos, one photo's after the other.
        counts
            Shape (photos,): how many of them belong to each photo.

        Returns
        -------
        float32 of shape (photos, words); a row's sum is the photo's count.
        """
        number = len(self.words)
        numbers = self.kind.as_numbers(descriptors)
        nearest = ((self.words**2).sum(axis=1) - 2 * row_products(numbers, self.words)).argmin(axis=1)
        photos = np.repeat(np.arange(len(counts)), counts)
        cells = np.bincount(photos * number + nearest, minlength=len(counts) * number)
        return cells.reshape(len(counts), number).astype(np.float32)


def default_components(words: int, most: int) -> int:
    """Return how many components are kept by default: 0.7 of the words, rounded up, but at most ``most``."""
    share, whole = SHARE_OF_COMPONENTS
    return min(-(-share * words // whole), most)


def describe(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the entries on the words for the manifest and vocabulary.json."""
    return {
        "descriptor": vocabulary.kind.name,
        "keypoints": vocabulary.keypoints,
        "words": len(vocabulary.words),
        "dimensions": vocabulary.kind.dimensions,
    }


def to_files(vocabulary: Vocabulary, description: dict[str, Any]) -> list[tuple[str, int, bytes]]:
    """Return ``words.npz`` with one array, and ``vocabulary.json``: each as ``layout.write_file`` takes it."""
    words = to_npz({"words": vocabulary.words})
    text = layout.to_json({"schema_version": layout.SCHEMA_VERSION, **describe(vocabulary), **description})
    return [
        (layout.WORDS, len(vocabulary.words), words),
        (layout.WORDS_DESCRIPTION, 1, text),
    ]


def load(folder: str) -> tuple[Vocabulary, dict[str, Any]]:
    """Return the vocabulary of a finished run, and the content of vocabulary.json.

    Raises
    ------
    ResultsUnusableError
        If the folder is not a finished run with its own visual words, or a file is damaged.
    """
    listed = layout.read_manifest(folder)["files"].get("vocabulary", [])
    if layout.WORDS not in [entry["path"] for entry in listed]:
        raise ResultsUnusableError(
            f"--vocabulary must be the results of a run with --descriptor orb or sift, got '{folder}'.",
            "Name the results of such a run, not those of a prediction.",
        )
    try:
        description = layout.read_json(folder, layout.WORDS_DESCRIPTION)
        words = from_npz(storage.read_bytes(storage.join(folder, layout.WORDS)))["words"].astype(np.float64)
        kind = KINDS[description["descriptor"]]
        vocabulary = Vocabulary(kind, int(description["keypoints"]), words)
        whole = words.ndim == 2 and words.shape[1] == kind.dimensions and len(words) > 0
    except ResultsUnusableError:
        raise
    except Exception as error:  # NumPy and zipfile fail in many ways on damaged files
        raise _damaged(folder) from error
    if not whole:
        raise _damaged(folder)
    return vocabulary, description


def _damaged(folder: str) -> UsageError:
    return ResultsUnusableError(
        f"Cannot read the visual words in '{folder}/vocabulary'.", "Copy the results again, or run it again."
    )
