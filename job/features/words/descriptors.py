"""Finds a photo's keypoints and describes the pixels around each; the only module that knows OpenCV.

Which settings of OpenCV, and why bits rather than bytes: docs/decisions/0070-visual-words.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from job.errors import NotInstalledError, one_line
from job.images import Pixels, RejectedPhotoError

LARGEST_SIDE = 1024
"""Pixels; a photo with a longer side is scaled down to it. SIFT doubles a photo and keeps some 15 float copies of it:
at 1024 x 1024 these are 250 MB of a task's memory, at the 100 megapixels that a photo may have 24 GB."""

ORB_BORDER = 15
"""Pixels at each side where ORB seeks no keypoint: half the patch of 31 that it describes. OpenCV's default is the
whole patch, 31, which leaves 38 x 38 pixels of a photo of 100 x 100: no keypoint at all in half of them."""

Descriptors = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DescriptorKind:
    """A way to describe a keypoint."""

    name: str
    width: int  # bytes of one descriptor
    # numbers that it stands for: bits are one number each, so that Euclid's distance orders as Hamming's does
    dimensions: int

    @property
    def binary(self) -> bool:
        """Whether each bit is a number of its own."""
        return self.dimensions > self.width

    def as_numbers(self, descriptors: Descriptors) -> npt.NDArray[np.uint8]:
        """Return descriptors of shape (n, width) as the numbers that distances are taken of, (n, dimensions)."""
        return np.unpackbits(descriptors, axis=1) if self.binary else descriptors


KINDS = {kind.name: kind for kind in (DescriptorKind("orb", 32, 256), DescriptorKind("sift", 128, 128))}
"""The descriptors that there are beside the network's features."""


def opencv_version() -> str:
    """Return the version of OpenCV itself, like 4.11.0."""
    return str(require_opencv().__version__)


def describer(kind: DescriptorKind, keypoints: int) -> Callable[[Pixels], Descriptors]:
    """Return a function that describes one photo; make it once a process, it is not for several threads.

    Parameters
    ----------
    kind
        ORB, with ``ORB_BORDER`` and otherwise OpenCV's defaults, or SIFT with OpenCV's defaults.
    keypoints
        The strongest so many are kept, and those that are exactly as strong as the last of them.

    Returns
    -------
    A function from RGB pixels, uint8 of shape (height, width, 3), to descriptors, uint8 of shape (found, kind.width),
    in OpenCV's own order. The photo is made grey as OpenCV does, by the weights of ITU-R BT.601. It raises
    RejectedPhotoError where OpenCV fails on the photo.
    """
    cv2 = require_opencv()
    # There are as many tasks as cores, and threads of several tasks would fight for them.
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
        # SIFT's numbers are whole ones from 0 to 255, though OpenCV returns them as floats.
        descriptors: Descriptors = found.astype(np.uint8, copy=False)
        return descriptors

    return describe


def require_opencv() -> Any:  # noqa: ANN401 - a module without complete types
    """Return the module cv2; raise NotInstalledError if it is not installed here."""
    try:
        import cv2  # noqa: PLC0415 - needed by these descriptors alone
    except ImportError as error:
        raise NotInstalledError(
            "--descriptor orb and sift need OpenCV, and it is not installed here.",
            "On this machine: pip install -r requirements.txt; on a cluster: deploy it with -c visual_words=true.",
        ) from error
    return cv2
