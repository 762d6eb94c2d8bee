"""Tests of job/images/prefetch.py."""

import threading
from pathlib import Path

import pytest

from job.errors import TryAgainError
from job.images import RejectedPhotoError, prefetch, read_ahead


def test_yields_contents_in_order_of_paths() -> None:
    paths = [str(number) for number in range(100)]

    assert list(read_ahead(paths, str.encode)) == [path.encode() for path in paths]


def test_reads_next_photos_while_one_is_used() -> None:
    # Given reads that end only once as many as may be in flight have begun
    all_begun = threading.Barrier(prefetch.READ_AHEAD, timeout=20)

    def read(path: str) -> bytes:
        all_begun.wait()
        return path.encode()

    contents = list(read_ahead([f"s3://bucket/{number}" for number in range(prefetch.READ_AHEAD)], read))

    assert len(contents) == prefetch.READ_AHEAD


def test_few_small_local_photos_are_read_in_turn() -> None:
    large = prefetch.BYTES_TOGETHER
    sizes = {"a": 10, "b": 10, "c": 10, "d": 10, "e": 10, "f": large, "g": large, "s3://bucket/h": 10, "i": 10}
    in_turn = [{"a", "b", "c", "d"}, {"e"}, {"f"}, {"g"}, {"s3://bucket/h"}, {"i"}]
    threads: dict[str, int] = {}
    # No thread is free for a second group before all groups have begun
    all_begun = threading.Barrier(len(in_turn), timeout=20)

    def read(path: str) -> bytes:
        threads[path] = threading.get_ident()
        if path in map(min, in_turn):
            all_begun.wait()
        return b"x"

    list(read_ahead(list(sizes), read, list(sizes.values())))

    assert [{path for path in sizes if threads[path] == threads[min(group)]} for group in in_turn] == in_turn


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


def test_unreadable_photo_leaves_those_read_in_turn_with_it(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("1.jpg", "2.jpg", "3.jpg")]
    for file in (files[0], files[2]):
        file.write_bytes(b"x")

    first, missing, last = read_ahead([str(file) for file in files])

    assert (first, last) == (b"x", b"x")
    assert isinstance(missing, RejectedPhotoError)


def test_photo_that_hangs_leaves_those_read_in_turn_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "LONGEST_READ", 0.2)
    ended = threading.Event()

    def read(path: str) -> bytes:
        if path == "hangs":
            ended.wait()
        return path.encode()

    try:
        first, hung, *others = read_ahead(["a", "hangs", "b", "c", "d"], read)
    finally:
        ended.set()

    assert (first, others) == (b"a", [b"b", b"c", b"d"])
    assert isinstance(hung, prefetch.UnreadPhotoError)


def test_tells_removed_photo_from_unreadable_one(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()

    removed, unreadable = read_ahead([str(tmp_path / "gone.jpg"), str(tmp_path / "folder.jpg")])

    assert "removed" in str(removed)
    assert str(unreadable).startswith("cannot be read: ")
