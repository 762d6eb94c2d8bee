"""Find the keypoints of a photo and describe the pixels around each, with OpenCV.

docs/decisions/0070-visual-words.md explains the settings of OpenCV, and why bits rather than bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job.errors import NotInstalledError, one_line
from job.images import Pixels, RejectedPhotoError

LARGEST_SIDE = 1024
"""Pixels to which a longer side is scaled down. SIFT doubles a photo and keeps some 15 float copies of it: 250 MB of a
task's memory at 1024 x 1024, and 24 GB at the 100 megapixels that a photo may have."""

ORB_BORDER = 15
"""Pixels at each side without ORB keypoints: half the patch of 31 that a keypoint describes. OpenCV's default of 31
leaves 38 x 38 pixels of a photo of 100 x 100, and half of these photos without any keypoint."""

Descriptors = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DescriptorKind:
    """A descriptor of keypoints.

    Parameters
    ----------
    width
        Bytes of one descriptor.
    dimensions
        Numbers of one descriptor: one per bit for ORB, so that Euclid's distance orders as Hamming's does.
    """

    name: str
    width: int
    dimensions: int

    @property
    def binary(self) -> bool:
        """Whether each bit is one number."""
        return self.dimensions > self.width

    def as_numbers(self, descriptors: Descriptors) -> npt.NDArray[np.uint8]:
        """Return descriptors of shape (n, width) as the numbers that distances are taken of, (n, dimensions)."""
        return np.unpackbits(descriptors, axis=1) if self.binary else descriptors


KINDS = {kind.name: kind for kind in (DescriptorKind("orb", 32, 256), DescriptorKind("sift", 128, 128))}
"""The values of --descriptor except ``cnn``."""


def opencv_version() -> str:
    """Return the version of OpenCV itself, like 4.11.0."""
    return str(require_opencv().__version__)


def describer(kind: DescriptorKind, keypoints: int) -> Callable[[Pixels], Descriptors]:
    """Return a function that describes one photo, for one thread.

    It takes RGB pixels, uint8 of shape (height, width, 3), and returns descriptors, uint8 of shape (found, kind.width),
    in OpenCV's own order. It makes the photo grey by the weights of ITU-R BT.601, and raises RejectedPhotoError if
    OpenCV fails on the photo. ORB uses ``ORB_BORDER``; all else is OpenCV's default.

    Parameters
    ----------
    keypoints
        How many of the strongest are kept, with all that are as strong as the last of them.
    """
    cv2 = require_opencv()
    # There are as many tasks as cores: threads of several tasks would compete for them.
    cv2.setNumThreads(1)
    detector = (
        cv2.ORB_create(nfeatures=keypoints, edgeThreshold=ORB_BORDER)
        if kind.name == "orb"
        else cv2.SIFT_create(nfeatures=keypoints)
    )

    def describe(photo: Pixels) -> Descriptors:
        if min(photo.shape[:2]) < 2:
            # OpenCV fails to build smaller copies of a photo that is one pixel wide.
            return np.empty((0, kind.width), np.uint8)
        try:
            _, found = detector.detectAndCompute(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), None)
        except cv2.error as error:
            raise RejectedPhotoError(f"OpenCV fails on it: {one_line(error)}") from error
        if found is None:
            return np.empty((0, kind.width), np.uint8)
        # SIFT's numbers are integers from 0 to 255, which OpenCV returns as floats.
        descriptors: Descriptors = found.astype(np.uint8, copy=False)
        return descriptors

    return describe


def descriptor_counts(table: pa.Table, kind: DescriptorKind) -> npt.NDArray[np.int64]:
    """Return how many descriptors each photo of a descriptors table has."""
    lengths = pc.binary_length(table["descriptors"].combine_chunks())
    counts: npt.NDArray[np.int64] = lengths.to_numpy(zero_copy_only=False).astype(np.int64) // kind.width
    return counts


def stacked(table: pa.Table, kind: DescriptorKind) -> Descriptors:
    """Return a table's descriptors, one photo's after the other: uint8 of shape (n, kind.width)."""
    joined = b"".join(table["descriptors"].to_pylist())
    return np.frombuffer(joined, np.uint8).reshape(-1, kind.width)


def require_opencv() -> Any:  # noqa: ANN401 - a module without complete types
    """Return the module cv2; raise NotInstalledError if it is not installed here."""
    try:
        import cv2  # noqa: PLC0415 - only these descriptors need it
    except ImportError as error:
        raise NotInstalledError(
            "--descriptor orb and sift require OpenCV, which is not installed here.",
            "On this machine: pip install -r requirements.txt; on a cluster: deploy it with -c visual_words=true.",
        ) from error
    return cv2
