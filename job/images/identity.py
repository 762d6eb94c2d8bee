"""What tells whether two files hold the same photo: a digest of the bytes, and a thumbnail of the pixels."""

import base64
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from PIL import Image

from job.images.decode import Pixels

THUMBNAIL_SIDE = 16
"""Width and height of a thumbnail in pixels."""

MEANED_SIDE = 14 * THUMBNAIL_SIDE
"""Photos whose sides are not a multiple of a thumbnail's are resized to this one first, so that blocks are equal."""


@dataclass(frozen=True)
class Identity:
    """A photo's file and its pixels, as text for the footer of a file."""

    digest: str  # BLAKE2b of the file, 128 bits in hexadecimal digits
    thumbnail: str  # THUMBNAIL_SIDE * THUMBNAIL_SIDE grey levels in base64


@dataclass(frozen=True)
class Reduced:
    """A photo at a reduced size, with its own width and height."""

    pixels: Pixels  # uint8 of shape (height, width, 3)
    width: int
    height: int


def identify(content: bytes, pixels: Pixels) -> Identity:
    """Return the identity of a photo.

    Parameters
    ----------
    pixels
        uint8 of shape (height, width, 3), (height, width), or (views, height, width, 3), whose first view is the whole
        photo.
    """
    whole = pixels[0] if pixels.ndim == 4 else pixels
    grey = Image.fromarray(whole).convert("L")
    if grey.width % THUMBNAIL_SIDE or grey.height % THUMBNAIL_SIDE:
        grey = grey.resize((MEANED_SIDE, MEANED_SIDE))
    grey = grey.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return Identity(blake2b(content, digest_size=16).hexdigest(), base64.b64encode(grey.tobytes()).decode())


def grey_levels(thumbnail: str) -> npt.NDArray[np.uint8]:
    """Return the pixels of an identity's thumbnail, of shape (THUMBNAIL_SIDE * THUMBNAIL_SIDE,)."""
    return np.frombuffer(base64.b64decode(thumbnail), np.uint8)
