"""What tells whether two files hold the same photo: a digest of the bytes, and a thumbnail of the pixels."""

import base64
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from PIL import Image

THUMBNAIL_SIDE = 16
"""Width and height of a thumbnail in pixels."""

MEANED_SIDE = 14 * THUMBNAIL_SIDE
"""Photos whose sides are not a multiple of a thumbnail's are resized to this one first, so that blocks are equal."""


@dataclass(frozen=True)
class Identity:
    """A photo's file and its pixels, as text for the footer of a file."""

    digest: str  # BLAKE2b of the file, 128 bits in hexadecimal digits
    thumbnail: str  # THUMBNAIL_SIDE * THUMBNAIL_SIDE grey levels in base64


def identify(content: bytes, photo: Image.Image) -> Identity:
    """Return the identity of a photo file, and of the whole photo in it."""
    if photo.width % THUMBNAIL_SIDE or photo.height % THUMBNAIL_SIDE:
        photo = photo.resize((MEANED_SIDE, MEANED_SIDE))
    grey = photo.reduce((photo.width // THUMBNAIL_SIDE, photo.height // THUMBNAIL_SIDE)).convert("L")
    return Identity(blake2b(content, digest_size=16).hexdigest(), base64.b64encode(grey.tobytes()).decode())


def grey_levels(thumbnail: str) -> npt.NDArray[np.uint8]:
    """Return the pixels of an identity's thumbnail, of shape (THUMBNAIL_SIDE * THUMBNAIL_SIDE,)."""
    return np.frombuffer(base64.b64decode(thumbnail), np.uint8)
