"""Notice a JPEG whose scan holds less or more data than its pixels need.

libjpeg only warns of such a scan and fills the rest with grey, and Pillow hides the warning.
"""

from PIL import ImageFile

from job.images.headers import BASELINE, END, RESTART_INTERVAL, START_OF_SCAN, jpeg_scans, markers

SURPLUS = 64
"""Bytes of a scan that may be left when all pixels are decoded: some encoders pad."""

_PADDING = bytes(16)
"""Fed after a scan: enough for the decoder's lookahead, too little for more than a few blocks."""

_PROBES = 16
"""Pixels of the last row that are watched."""


def load_jpeg(photo: ImageFile.ImageFile, content: bytes) -> None:
    """Load a JPEG; raise OSError if its scan ends before the last pixel, or long after it.

    Checked for baseline JPEGs in one scan without restart markers, which nearly all cameras write: only there do data
    and pixels end together. The decoder gets the file in parts, and the last row of pixels shows how far it has come.
    """
    found = dict(markers(content))
    end = found.get(END, 0) - 2
    single = START_OF_SCAN in found and RESTART_INTERVAL not in found and any(frame in found for frame in BASELINE)
    if end < 0 or not single or photo.width < _PROBES or jpeg_scans(content) != 1:
        photo.load()
        return
    middle = max(found[START_OF_SCAN], end - SURPLUS)
    parts = [content[:middle], content[middle:end] + _PADDING, content[end : end + 2]]
    fed = 0

    def read_part(_size: int) -> bytes:
        nonlocal fed
        width, height = photo.size
        probes = {(width * number // _PROBES, height - 1): number for number in range(_PROBES)}
        values = {place: _probe(number, len(photo.getbands())) for place, number in probes.items()}
        if fed == 0:
            for place, value in values.items():
                photo.im.putpixel(place, value)
        elif fed == 2 and all(photo.im.getpixel(place) == value for place, value in values.items()):
            raise OSError("its data end before the last pixel")
        fed += 1
        return parts[fed - 1] if fed <= len(parts) else b""

    photo.load_read = read_part  # type: ignore[attr-defined]
    photo.load()
    # The decoder asks for no more data once it has all pixels.
    if fed == 1 and middle > found[START_OF_SCAN]:
        raise OSError("its data go on after the last pixel")


def _probe(number: int, bands: int) -> int | tuple[int, ...]:
    """Return a colour that the last row of a photo does not have at every probe."""
    value = tuple((37 * number + 101 * band + 11) % 256 for band in range(bands))
    return value if bands > 1 else value[0]
