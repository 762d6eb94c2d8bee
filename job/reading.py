"""Reads photos ahead of their use and turns their bytes into RGB pixels; what cannot be used is set aside."""

import io
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from job import storage
from job.storage import one_line, unreachable

READ_AHEAD = 16
"""Photos in flight a task: hides 20 ms an opening behind inference at up to 800 photos a second."""

UNREAD = "cannot be read: "
"""How the reason begins for which a photo is set aside that its storage does not give."""

LONGEST_READ = 60.0
"""Seconds that a photo may take to come, from when it is waited for: 4 MB at the slowest of mobile networks."""

READS = 3
"""How often a photo is asked for that does not come in that time."""

UNREAD_IN_A_ROW = 3
"""So many photos in a row that a storage does not give are its own fault, not theirs."""

LARGEST_PHOTO = 100_000_000
"""Pixels; decoded, a photo of this size takes 300 MB of a task's memory."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
"""What a photo may be, whatever its name says: some of Pillow's other decoders run programs on what they read."""

DECODING = 1
"""Raised when the same bytes come to other pixels than before, so that no run takes over what was made of those."""

Pixels = npt.NDArray[np.uint8]


class RejectedPhotoError(Exception):
    """A photo that cannot be used; the message is the reason that goes into the results."""


class UnreadPhotoError(RejectedPhotoError):
    """A photo that its storage does not give, whatever it holds; if others come, it is set aside alone."""


def read_ahead(
    paths: Sequence[str], read: Callable[[str], bytes] = storage.read_bytes
) -> Iterator[bytes | RejectedPhotoError]:
    """Yield each photo's content in order, or why it cannot be read, while the next ones are on their way.

    Parameters
    ----------
    paths
        URIs of the photos.
    read
        Returns the content of one; may raise OSError.

    Raises
    ------
    RunFailedError
        If a storage gives several photos in a row not, or none at all.
    """
    # A read that hangs keeps its thread: there are threads left for the others, and nobody waits for it at the end.
    pool = ThreadPoolExecutor(2 * READ_AHEAD, thread_name_prefix="read-ahead")
    coming = iter(paths)
    waiting = deque((path, pool.submit(read, path)) for path in islice(coming, READ_AHEAD))
    came = in_a_row = 0
    try:
        while waiting:
            path, future = waiting.popleft()
            content = _outcome(path, future, partial(pool.submit, read, path))
            waiting.extend((path, pool.submit(read, path)) for path in islice(coming, 1))
            came += isinstance(content, bytes)
            in_a_row = in_a_row + 1 if isinstance(content, UnreadPhotoError) else 0
            if in_a_row and (in_a_row == UNREAD_IN_A_ROW or not (came or waiting)):
                # That is no photo's fault: the task fails, Spark tries it again, and a run never ends well with photos
                # that nobody looked at.
                raise unreachable(f"The photo '{path}' could not be read", OSError(str(content).removeprefix(UNREAD)))
            yield content
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def photos_in_turn(
    paths: Sequence[str],
    problems: Sequence[str],
    decode: Callable[[bytes], Pixels],
    seconds: dict[str, float],
) -> Iterator[Pixels | RejectedPhotoError]:
    """Yield each photo's pixels in order, or why it cannot be used, while the next ones are being read.

    Parameters
    ----------
    paths
        URIs of the photos.
    problems
        Why a photo cannot be opened, known from the listing; empty for most.
    decode
        Turns the bytes of a file into pixels; may raise RejectedPhotoError.
    seconds
        Waiting for bytes ("read") and decoding ("decode") add their time to it.
    """
    contents = read_ahead([path for path, problem in zip(paths, problems, strict=True) if not problem])
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
                require_size(photo)
                ImageOps.exif_transpose(photo, in_place=True)
                pixels = to_rgb(photo).resize(size(photo.width, photo.height))
    except UnidentifiedImageError:
        raise RejectedPhotoError("not a photo, whatever its name says") from None
    except Image.DecompressionBombError:
        raise RejectedPhotoError(f"more than {LARGEST_PHOTO:,} pixels") from None
    except RejectedPhotoError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise RejectedPhotoError(f"damaged: {one_line(error)}") from error
    return np.asarray(pixels)


def to_rgb(photo: Image.Image) -> Image.Image:
    """Return an RGB image of the same size, whatever mode the photo has."""
    if photo.mode == "RGB":
        return photo
    if photo.mode.startswith("I"):
        # Pillow would clip 16-bit greys at 255 and so turn nearly all of them white.
        greys = np.asarray(photo).astype(np.int64) // 257
        return Image.fromarray(np.clip(greys, 0, 255).astype(np.uint8)).convert("RGB")
    if photo.has_transparency_data:
        solid = photo.convert("RGBA")
        white = Image.new("RGBA", solid.size, "white")
        return Image.alpha_composite(white, solid).convert("RGB")
    return photo.convert("RGB")


def require_size(photo: Image.Image) -> None:
    """Raise RejectedPhotoError if a photo that is not decoded yet has more pixels than are decoded."""
    pixels = photo.width * photo.height
    if pixels > LARGEST_PHOTO:
        raise RejectedPhotoError(
            f"{photo.width:,} x {photo.height:,} pixels are {pixels:,}, more than the {LARGEST_PHOTO:,} allowed"
        )


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
                kind = RejectedPhotoError if storage.is_local(path) else UnreadPhotoError
                return kind(f"{UNREAD}{one_line(error)}")
            # TimeoutError is an OSError: the read goes on, and nobody waits for it any more.
            future = again()
    return UnreadPhotoError(f"{UNREAD}it did not come within {LONGEST_READ:g} s, {READS} times")
