"""Convert pixels to sRGB by the colour profile that is embedded in a photo.

Why after resizing, and what was measured: docs/decisions/0129-colour-profiles.md.
"""

import io
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

LARGEST_PROFILE = 8_000_000
"""Bytes. Profiles of printers have up to some 3 MB."""

ROUNDING = 2
"""Of 255: a profile that changes no colour of the test grid by more is taken for sRGB, and the pixels stay."""

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode of the pixels that a profile of a colour space describes."""

_STEPS = (0, 64, 128, 192, 255)


def profile_of(photo: Image.Image) -> bytes:
    """Return the embedded colour profile if it can describe the photo's pixels; else nothing."""
    profile = photo.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= LARGEST_PROFILE:
        return b""
    own = {"L": "L", "LA": "L", "I;16": "L", "1": "L", "CMYK": "CMYK"}.get(photo.mode, "RGB")
    return profile if _mode_of(profile) == own and _transform(profile) is not None else b""


def to_srgb(photo: Image.Image, profile: bytes) -> Image.Image:
    """Return an RGB image whose colours are those that ``profile`` gives to the pixels of ``photo``.

    Parameters
    ----------
    photo
        In the mode RGB, or CMYK with a profile for it.
    profile
        From ``profile_of``; nothing leaves the pixels unchanged.
    """
    transform = _transform(profile) if profile else None
    if transform is None:
        return photo if photo.mode == "RGB" else photo.convert("RGB")
    mode = _mode_of(profile)
    return ImageCms.applyTransform(photo if photo.mode == mode else photo.convert(mode), transform) or photo


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """Return the transformation to sRGB; None if the profile is damaged, or is sRGB itself."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _mode_of(profile)
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode != "CMYK":
            image = Image.fromarray(_grid()[None]).convert(mode)
            changed = ImageCms.applyTransform(image, transform)
            same = np.asarray(image.convert("RGB"))
            if changed is None or np.abs(np.asarray(changed).astype(int) - same).max() <= ROUNDING:
                return None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform


def _mode_of(profile: bytes) -> str:
    """Return Pillow's mode of the pixels that a profile describes; empty for other colour spaces."""
    return _MODES.get(profile[16:20].decode("latin-1").strip(), "")


def _grid() -> npt.NDArray[np.uint8]:
    """Return colours over the whole cube, uint8 of shape (125, 3)."""
    return np.array(list(product(_STEPS, repeat=3)), np.uint8)
