"""Reads some photos again and makes thumbnails of them: in parallel, within a time and a size."""

import base64
import io
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from job import storage
from job.images import SCALED, decode_at_own_size

SIDE = 72
"""Pixels of the longer side."""

QUALITY = 55
"""Of WebP, whose files of this size are half as large as JPEG's, because they carry no tables."""

METHOD = 2
"""Of WebP: encodes in 0.6 of the default's time, to files that are 5 % larger."""

MOST_BYTES = 1_200_000
"""Of all thumbnails together, encoded for the page."""

MOST_SECONDS = 15.0
"""A run does not wait longer for pictures."""

PHOTOS_AT_A_TIME = 32
"""That are read from a store. On this machine's disk as many as there are cores: more threads would only wait for each
other, and make 800 thumbnails take 1.5 times as long."""


def read(
    paths: Sequence[str],
    read_bytes: Callable[[str], bytes] = storage.read_bytes,
    most_bytes: int = MOST_BYTES,
    most_seconds: float = MOST_SECONDS,
    side: int = SIDE,
) -> dict[str, str]:
    """Return thumbnails by path, as data URIs; photos that cannot be read, or not in time, have none.

    Parameters
    ----------
    paths
        URIs of the photos, the most important first.
    side
        Pixels of the longer side.
    """
    made: dict[str, str] = {}
    left = most_bytes
    until = time.monotonic() + most_seconds
    local = all(storage.is_local(path) for path in paths)
    read_one = storage.reader_by_path(paths, read_bytes)
    pool = ThreadPoolExecutor((os.cpu_count() or 1) if local else PHOTOS_AT_A_TIME, thread_name_prefix="thumbnail")
    try:
        coming = [(path, pool.submit(_data_uri, path, read_one, side)) for path in dict.fromkeys(paths)]
        for path, future in coming:
            uri = future.result(max(0.0, until - time.monotonic()))
            if uri is not None:
                left -= len(uri)
                if left < 0:
                    break
                made[path] = uri
    except TimeoutError:
        pass  # what is made by now is shown
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return made


def thumbnail(content: bytes, side: int = SIDE) -> bytes:
    """Return a small WebP of a photo, upright and on white.

    Raises
    ------
    Exception
        Nearly any, if the content is not a photo: Pillow's decoders raise many types.
    """
    # Large JPEGs are decoded at a fraction of their size, in a fraction of the time.
    small = decode_at_own_size(content, side, SCALED)
    made = io.BytesIO()
    small.save(made, "WEBP", quality=QUALITY, method=METHOD)
    return made.getvalue()


def _data_uri(path: str, read_bytes: Callable[[str], bytes], side: int) -> str | None:
    try:
        content = thumbnail(read_bytes(path), side)
    except Exception:  # noqa: BLE001 - a photo without a thumbnail is not a failure, for any reason
        return None
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
