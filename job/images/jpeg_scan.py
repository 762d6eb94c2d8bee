"""Notice a JPEG whose scan holds less or more data than its pixels need.

libjpeg only warns of such a scan and fills the rest with grey, and Pillow hides the warning.
"""

from functools import cache

from PIL import ImageFile

from job.images.headers import BASELINE, END, RESTART_INTERVAL, START_OF_SCAN, JpegMarkers

SURPLUS = 64
"""Bytes of a scan that may be left when all pixels are decoded: some encoders pad."""

_PADDING = bytes(16)
"""Fed after a scan: enough for the decoder's lookahead, too little for more than a few blocks."""

_PROBES = 16
"""Pixels of the last row that are watched."""


def load_jpeg(photo: ImageFile.ImageFile, content: bytes, found: JpegMarkers) -> None:
    """Load a JPEG; raise OSError if its scan ends before the last pixel, or long after it.

    Checked for baseline JPEGs in one scan without restart markers, which nearly all cameras write: only there do data
    and pixels end together. The decoder gets the file in parts, and the last row of pixels shows how far it has come.
    """
    at = found.offsets
    end = at.get(END, 0) - 2
    checkable = found.scans == 1 and RESTART_INTERVAL not in at and any(frame in at for frame in BASELINE)
    if end < 0 or not checkable or photo.width < _PROBES:
        photo.load()
        return
    middle = max(at[START_OF_SCAN], end - SURPLUS)
    parts = [content[:middle], content[middle:end] + _PADDING, content[end : end + 2]]
    bands = len(photo.getbands())
    probes = {(photo.width * number // _PROBES, photo.height - 1): _probe(number, bands) for number in range(_PROBES)}
    fed = 0

    def read_part(_size: int) -> bytes:
        nonlocal fed
        if fed == 0:
            for place, value in probes.items():
                photo.im.putpixel(place, value)
        elif fed == 2 and all(photo.im.getpixel(place) == value for place, value in probes.items()):
            raise OSError("its data end before the last pixel")
        fed += 1
        return parts[fed - 1] if fed <= len(parts) else b""

    photo.load_read = read_part  # type: ignore[attr-defined]
    try:
        photo.load()
    finally:
        # It refers to the photo, whose pixels would otherwise stay in memory until Python looks for cycles.
        del photo.load_read  # type: ignore[attr-defined]
    # The decoder asks for no more data once it has all pixels.
    if fed == 1 and middle > at[START_OF_SCAN]:
        raise OSError("its data go on after the last pixel")


@cache
def _probe(number: int, bands: int) -> int | tuple[int, ...]:
    """Return a colour that the last row of a photo does not have at every probe."""
    value = tuple((37 * number + 101 * band + 11) % 256 for band in range(bands))
    return value if bands > 1 else value[0]
