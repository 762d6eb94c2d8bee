"""Tests of pytorch_file.py: tensors come back as they were written, and nothing else is read."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.errors import BackboneError, UnsafeWeightsError
from job.features.network.pytorch_file import read_tensors
from tests.job.features.network.pytorch import Array, Saved, write_weights

VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_tensors_come_back_with_shape_and_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As PyTorch stores transposed tensors: in the order of the memory, with strides.
    written: dict[str, Array] = {
        "_fc.weight": VALUES,
        "transposed": VALUES.transpose(2, 0, 1),
        "count": np.array(7, np.int64),
    }

    read = read_tensors(write_weights(tmp_path / "w.pth", written, monkeypatch))

    assert list(read) == list(written)
    for name, values in written.items():
        np.testing.assert_array_equal(read[name], values)
        assert read[name].dtype == values.dtype
        assert read[name].shape == values.shape


def test_two_tensors_may_share_a_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Saved(VALUES, "0", offset=12, shape=(3, 4), strides=(4, 1))

    read = read_tensors(write_weights(tmp_path / "w.pth", {"whole": Saved(VALUES, "0"), "part": part}, monkeypatch))

    np.testing.assert_array_equal(read["part"], VALUES[1])


class Calls:
    """An object that calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "function", [os.system, eval, getattr, np.load, pickle.loads], ids=lambda function: str(function.__name__)
)
def test_file_that_names_a_function_is_refused(
    function: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "called"
    file = write_weights(tmp_path / "w.pth", {"t": VALUES, "call": Calls(function, f"touch {mark}")}, monkeypatch)

    with pytest.raises(UnsafeWeightsError) as raised:
        read_tensors(file)

    assert raised.value.code == "ORC-147"
    assert f".{function.__name__}" in raised.value.message
    assert not mark.exists()


def test_function_in_the_header_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "called"
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Calls(os.system, f"touch {mark}")))

    with pytest.raises(UnsafeWeightsError):
        read_tensors(tmp_path / "w.pth")

    assert not mark.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"offset": 1},
        {"offset": -1},
        {"shape": (2, 3, 5)},
        {"shape": (2, 3)},
        {"strides": (12, 4, 2)},
        {"strides": (-12, 4, 1)},
        # One value, seen a million times: more memory than the file has.
        {"shape": (100, 100, 100), "strides": (0, 0, 0)},
        {"shape": (0, 3, 4), "offset": 10**9},
    ],
    ids=str,
)
def test_tensor_outside_its_storage_is_refused(
    changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_weights(tmp_path / "w.pth", {"t": Saved(VALUES, "0", **changed)}, monkeypatch)

    with pytest.raises(BackboneError) as raised:
        read_tensors(file)

    assert raised.value.code == "ORC-140"
    assert f"'{file}'" in raised.value.message


def test_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write_weights(tmp_path / "w.pth", {"t": VALUES, "n": np.array(1, np.int64)}, monkeypatch).read_bytes()
    other = {"text": b"hello", "empty": b"", "zip": b"PK\3\4" + bytes(40), "longer": whole + b"\0"}
    cut = {f"cut at {length}": whole[:length] for length in range(0, len(whole), 7)}
    for content in {**other, **cut}.values():
        (tmp_path / "d.pth").write_bytes(content)
        with pytest.raises(BackboneError) as raised:
            read_tensors(tmp_path / "d.pth")
        assert raised.value.code == "ORC-140"


@pytest.mark.parametrize("entry", [VALUES.tolist(), {"nested": 1}, "text"], ids=str)
def test_entry_that_is_not_a_tensor_is_refused(entry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_weights(tmp_path / "w.pth", {"t": VALUES, "entry": entry}, monkeypatch)

    with pytest.raises(BackboneError) as raised:
        read_tensors(file)

    assert raised.value.code == "ORC-140"
