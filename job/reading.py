"""Reads photos ahead of their use and turns their bytes into RGB pixels; what cannot be used is set aside."""

import io
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from job import addresses, storage
from job.failures import one_line, unreachable
from job.photo_limits import LARGEST_PHOTO, RejectedPhotoError, require_size

READ_AHEAD = 16
"""Photos in flight a task: hides 20 ms an opening behind inference at up to 800 photos a second."""

READ_AHEAD_BYTES = 256_000_000
"""Of the files in flight a task, where they are large; one is always read, however large it is."""

UNREAD = "cannot be read: "
"""How the reason begins for which a photo is set aside that its storage does not give."""

LONGEST_READ = 60.0
"""Seconds that a photo may take to come, from when it is waited for: 4 MB at the slowest of mobile networks."""

READS = 3
"""How often a photo is asked for that does not come in that time."""

UNREAD_IN_A_ROW = 3
"""So many photos in a row that a storage does not give are its own fault, not theirs."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
"""What a photo may be, whatever its name says: some of Pillow's other decoders run programs on what they read."""

DECODING = 1
"""Raised when the same bytes come to other pixels than before, so that no run takes over what was made of those."""

CONVERTED_AT_A_TIME = 4_000_000
"""Pixels: converting a photo makes several copies, and of a large one they are made strip by strip."""

LONGEST_REASON = 200
"""Characters of why a photo is damaged, where a decoder has more to say."""

Pixels = npt.NDArray[np.uint8]

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo upright, by its EXIF orientation."""


class UnreadPhotoError(RejectedPhotoError):
    """A photo that its storage does not give, whatever it holds; if others come, it is set aside alone."""


def read_ahead(
    paths: Sequence[str], read: Callable[[str], bytes] = storage.read_bytes, sizes: Sequence[int] = ()
) -> Iterator[bytes | RejectedPhotoError]:
    """Yield each photo's content in order, or why it cannot be read, while the next ones are on their way.

    Parameters
    ----------
    paths
        URIs of the photos.
    read
        Returns the content of one; may raise OSError.
    sizes
        Bytes of each, so that large ones do not fill the memory; none where they are known to be small.

    Raises
    ------
    RunFailedError
        If a storage gives several photos in a row not, or none at all.
    """
    # A read that hangs keeps its thread: there are threads left for the others, and nobody waits for it at the end.
    pool = ThreadPoolExecutor(2 * READ_AHEAD, thread_name_prefix="read-ahead")
    coming = deque(zip(paths, sizes or [0] * len(paths), strict=True))
    waiting: deque[tuple[str, int, Future[bytes]]] = deque()

    def ask() -> None:
        while coming and len(waiting) < READ_AHEAD:
            path, size = coming[0]
            if waiting and size + sum(of for _, of, _ in waiting) > READ_AHEAD_BYTES:
                return
            coming.popleft()
            waiting.append((path, size, pool.submit(read, path)))

    came = in_a_row = 0
    try:
        while coming or waiting:
            ask()
            path, _, future = waiting.popleft()
            content = _outcome(path, future, partial(pool.submit, read, path))
            came += isinstance(content, bytes)
            in_a_row = in_a_row + 1 if isinstance(content, UnreadPhotoError) else 0
            if in_a_row and (in_a_row == UNREAD_IN_A_ROW or not (came or waiting or coming)):
                # That is no photo's fault: the task fails, Spark tries it again, and a run never ends well with photos
                # that nobody looked at.
                raise unreachable(f"The photo '{path}' could not be read", OSError(str(content).removeprefix(UNREAD)))
            yield content
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def photos_in_turn(
    paths: Sequence[str],
    sizes: Sequence[int],
    problems: Sequence[str],
    decode: Callable[[bytes], Pixels],
    seconds: dict[str, float],
) -> Iterator[Pixels | RejectedPhotoError]:
    """Yield each photo's pixels in order, or why it cannot be used, while the next ones are being read.

    Parameters
    ----------
    paths
        URIs of the photos.
    sizes
        Bytes of each.
    problems
        Why a photo cannot be opened, known from the listing; empty for most.
    decode
        Turns the bytes of a file into pixels; may raise RejectedPhotoError.
    seconds
        Waiting for bytes ("read") and decoding ("decode") add their time to it.
    """
    sound = [(path, size) for path, size, problem in zip(paths, sizes, problems, strict=True) if not problem]
    contents = read_ahead([path for path, _ in sound], sizes=[size for _, size in sound])
    for problem in problems:
        began = time.perf_counter()
        content = RejectedPhotoError(problem) if problem else next(contents)
        was_read = time.perf_counter()
        photo: Pixels | RejectedPhotoError
        try:
            photo = content if isinstance(content, RejectedPhotoError) else decode(content)
        except RejectedPhotoError as rejection:
            photo = rejection
        seconds["read"] += was_read - began
        seconds["decode"] += time.perf_counter() - was_read
        yield photo


def decode(content: bytes, width: int, height: int) -> Pixels:
    """Return a photo as RGB pixels of the wanted size.

    The photo is turned upright as its EXIF orientation says, transparency is laid over white, 16-bit greys are
    scaled down to 8, any other mode is converted as Pillow does, and the size is changed by Pillow's default
    filter. Of an animation the first frame is taken.

    Parameters
    ----------
    content
        The bytes of the file.
    width, height
        Pixels of the result.

    Returns
    -------
    uint8 array of shape (height, width, 3).

    Raises
    ------
    RejectedPhotoError
        If the content is no photo, is damaged, or is too large.
    """
    return _decode(content, lambda _width, _height: (width, height))


def decode_at_own_size(content: bytes, largest_side: int) -> Pixels:
    """Return a photo as RGB pixels of its own size, scaled down where a side is longer than allowed.

    In all else as ``decode``; no side becomes shorter than a pixel.
    """

    def size(width: int, height: int) -> tuple[int, int]:
        shrink = min(1.0, largest_side / max(width, height))
        return max(1, round(width * shrink)), max(1, round(height * shrink))

    return _decode(content, size)


def _decode(content: bytes, size: Callable[[int, int], tuple[int, int]]) -> Pixels:
    if not content:
        raise RejectedPhotoError("the file is empty")
    try:
        with warnings.catch_warnings():
            # What Pillow only warns of (odd EXIF data, many pixels) is either harmless or bounded here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as photo:
                require_size(photo, content)
                solid = to_rgb(upright(photo))
                pixels = solid.resize(size(solid.width, solid.height))
    except UnidentifiedImageError:
        raise RejectedPhotoError("not a photo, whatever its name says") from None
    except Image.DecompressionBombError:
        raise RejectedPhotoError(f"more than {LARGEST_PHOTO:,} pixels") from None
    except RejectedPhotoError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise RejectedPhotoError(f"damaged: {one_line(error)}"[:LONGEST_REASON]) from error
    return np.asarray(pixels)


def upright(photo: Image.Image) -> Image.Image:
    """Return a photo as its EXIF orientation says it is looked at; where that cannot be read, as it lies.

    Decodes the photo, and raises whatever Pillow raises for one that is damaged.
    """
    photo.load()
    try:
        turn = _TURNS.get(photo.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - notes about a photo that make no sense do not spoil its pixels
        return photo
    return photo if turn is None else photo.transpose(turn)


def to_rgb(photo: Image.Image) -> Image.Image:
    """Return an RGB image of the same size, whatever mode the photo has."""
    if photo.mode == "RGB" and not photo.has_transparency_data:
        return photo
    rows = max(1, CONVERTED_AT_A_TIME // photo.width)
    if photo.height <= rows:
        return _strip_to_rgb(photo)
    converted = Image.new("RGB", photo.size)
    for top in range(0, photo.height, rows):
        strip = (0, top, photo.width, min(top + rows, photo.height))
        converted.paste(_strip_to_rgb(photo.crop(strip)), strip)
    return converted


def _strip_to_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith("I"):
        # Pillow would clip 16-bit greys at 255 and so turn nearly all of them white.
        greys = np.clip(np.asarray(photo) // 257, 0, 255).astype(np.uint8)
        return Image.fromarray(greys).convert("RGB")
    if photo.has_transparency_data:
        solid = photo.convert("RGBA")
        white = Image.new("RGBA", solid.size, "white")
        return Image.alpha_composite(white, solid).convert("RGB")
    return photo.convert("RGB")


def _outcome(path: str, future: "Future[bytes]", again: "Callable[[], Future[bytes]]") -> bytes | RejectedPhotoError:
    """Return a photo's content, or why this photo alone cannot be read.

    Parameters
    ----------
    path
        URI of the photo.
    future
        The read that is under way.
    again
        Starts another one, over another connection, where the first does not come to an end.
    """
    for _ in range(READS):
        try:
            return future.result(timeout=LONGEST_READ)
        except FileNotFoundError:
            return RejectedPhotoError("not there any more when it was read")
        except OSError as error:
            if future.done():
                kind = RejectedPhotoError if addresses.is_local(path) else UnreadPhotoError
                return kind(f"{UNREAD}{one_line(error)}")
            # TimeoutError is an OSError: the read goes on, and nobody waits for it any more.
            future = again()
    return UnreadPhotoError(f"{UNREAD}it did not come within {LONGEST_READ:g} s, {READS} times")
