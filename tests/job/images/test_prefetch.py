"""Tests of job/images/prefetch.py."""

import threading
from pathlib import Path

import pytest

from job.errors import TryAgainError
from job.images import prefetch, read_ahead


def test_yields_contents_in_order_of_paths() -> None:
    paths = [str(number) for number in range(100)]

    assert list(read_ahead(paths, str.encode)) == [path.encode() for path in paths]


def test_reads_next_photos_while_one_is_used() -> None:
    # Given reads that end only once as many as may be in flight have begun
    all_begun = threading.Barrier(prefetch.READ_AHEAD, timeout=20)

    def read(path: str) -> bytes:
        all_begun.wait()
        return path.encode()

    contents = list(read_ahead([str(number) for number in range(prefetch.READ_AHEAD)], read))

    assert len(contents) == prefetch.READ_AHEAD


def test_limits_photos_in_flight() -> None:
    begun: list[str] = []

    def read(path: str) -> bytes:
        begun.append(path)
        return b"x"

    contents = read_ahead([str(number) for number in range(1000)], read)
    next(contents)

    assert len(begun) <= prefetch.READ_AHEAD + 1
    contents.close()  # type: ignore[attr-defined]


def test_limits_bytes_in_flight() -> None:
    begun: list[str] = []

    def read(path: str) -> bytes:
        begun.append(path)
        return b"x"

    sizes = [prefetch.READ_AHEAD_BYTES // 2] * 3 + [2 * prefetch.READ_AHEAD_BYTES, 1, 1]
    contents = read_ahead([str(number) for number in range(6)], read, sizes)

    # At first two, then one more, and the largest by itself
    seen = [len(begun) for _ in contents]
    assert all(begun_by_then <= most for begun_by_then, most in zip(seen, [2, 3, 3, 4, 6, 6], strict=True))


def test_unreachable_storage_fails_the_task_not_the_photo() -> None:
    def read(_path: str) -> bytes:
        raise OSError("AWS Error NETWORK_CONNECTION during GetObject operation")

    with pytest.raises(TryAgainError) as raised:
        list(read_ahead(["s3://bucket/photo.jpg"], read))

    assert "'s3://bucket/photo.jpg'" in raised.value.message
    assert "NETWORK_CONNECTION" in raised.value.message


def test_tells_removed_photo_from_unreadable_one(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()

    removed, unreadable = read_ahead([str(tmp_path / "gone.jpg"), str(tmp_path / "folder.jpg")])

    assert "removed" in str(removed)
    assert str(unreadable).startswith("cannot be read: ")
