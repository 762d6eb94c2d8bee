"""Let Pillow open HEIC and HEIF files, with the decoder of the package pi-heif.

The package's own plugin also reads an image's metadata, in code that ends the process on some damaged files. libheif
turns photos upright by itself, so only pixels and the colour profile are needed.
"""

from typing import Any

import _pi_heif
from PIL import Image, ImageFile

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
"""Of a file's container: ISO/IEC 23008-12, and the brands of libheif."""

_MODES = ("RGB", "RGBA", "RGBa", "L", "LA", "I;16")


class HeicImageFile(ImageFile.ImageFile):
    """The primary image of a HEIC file."""

    format = "HEIF"
    format_description = "HEIF container"

    def _open(self) -> None:
        if self.fp is None:
            raise SyntaxError("no file")
        try:
            images = _pi_heif.load_file(self.fp.read(), 1, True, False, False, True, "", False)
        except (OSError, ValueError, RuntimeError, EOFError) as error:
            raise SyntaxError(str(error)) from None
        images = [image for image in images if image is not None]
        if not images:
            raise SyntaxError("no image")
        self._image = next((image for image in images if image.primary), images[0])
        self._size, self._mode = self._image.size_mode
        if self._mode not in _MODES:
            raise SyntaxError(f"unknown mode {self._mode}")
        profile = self._image.color_profile
        if profile and profile["type"] in ("rICC", "prof"):
            self.info["icc_profile"] = bytes(profile["data"])
        self.tile = []

    def load(self) -> Any:  # noqa: ANN401 - Pillow's own type is private
        """Decode the image, in one thread: tasks use all cores already."""
        if self._image is not None:
            data = self._image.data
            # The size may change when the image is decoded.
            self._size, self._mode = self._image.size_mode
            self.load_prepare()
            self.frombytes(data, "raw", (self._mode, self._image.stride))
            self._image = None
        return super().load()


def register() -> None:
    """Let ``Image.open`` know the format."""
    Image.register_open(HeicImageFile.format, HeicImageFile, _accept)


def _accept(start: bytes) -> bool:
    return start[4:8] == b"ftyp" and start[8:12] in BRANDS
