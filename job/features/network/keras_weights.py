"""Describe the first difference between a weights file and a Keras network."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from job.errors import BackboneError, one_line

Shapes = tuple[tuple[int, ...], ...]


@contextmanager
def named_by_content(file: str) -> Iterator[str]:
    """Yield a name of the file with the ending of its content: Keras chooses the reader by the ending.

    A file of Keras' current format that is renamed to ``.h5`` would be read as one of the older format, without layers.
    """
    right = file
    if zipfile.is_zipfile(file):
        right = ".keras"
    elif h5py.is_hdf5(file):
        try:
            with h5py.File(file) as content:
                right = ".h5" if _is_older(content) else ".weights.h5"
        except OSError as error:
            raise BackboneError(
                f"The weights file '{file}' must be complete, got one that cannot be read: {one_line(error)}.",
                "Copy or download it again.",
            ) from error
    if file.endswith(right) and not (right == ".h5" and file.endswith(".weights.h5")):
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"renamed{right}"
        link.symlink_to(Path(file).absolute())
        yield str(link)


def difference(network: Any, file: str) -> str | None:  # noqa: ANN401 - Keras publishes no types
    """Return a sentence on the first layer whose weights the file lacks, with both shapes; None if it has all."""
    if not h5py.is_hdf5(file):
        return "it is not an HDF5 file."
    with h5py.File(file) as content:
        return _older_difference(network, content) if _is_older(content) else _named_difference(network, content)


def _is_older(content: h5py.File) -> bool:
    return "layer_names" in content.attrs or "model_weights" in content


def _named_difference(network: Any, content: h5py.File) -> str | None:  # noqa: ANN401
    """Compare by the keys of Keras' current format, obtained by saving the network."""
    with tempfile.TemporaryDirectory() as folder:
        own_file = Path(folder) / "own.weights.h5"
        network.save_weights(own_file)
        with h5py.File(own_file) as own:
            needed = {key: (_layer_name(own[key]), _shapes(own[key])) for key in _keys(own)}
    found = {key: _shapes(content[key]) for key in _keys(content)}
    order = {layer.name: number for number, layer in enumerate(network.layers)}
    for key, (name, shapes) in sorted(needed.items(), key=lambda item: order.get(item[1][0], len(order))):
        if shapes != found.get(key):
            return misfit(name, shapes, found.get(key))
    return None


def _older_difference(network: Any, content: h5py.File) -> str | None:  # noqa: ANN401
    """Compare layer by layer in order, as Keras reads its older format."""
    group = content.get("model_weights", content)
    found = []
    for name in (_text(name) for name in group.attrs["layer_names"]):
        weights = [_text(weight) for weight in group[name].attrs["weight_names"]]
        if weights:
            found.append((name, tuple(group[name][weight].shape for weight in weights)))
    needed = [(layer.name, as_shapes(layer.weights)) for layer in network.layers if layer.weights]
    for number, (name, shapes) in enumerate(needed):
        if number >= len(found):
            return misfit(name, shapes, None)
        if shapes != found[number][1]:
            return misfit(name, shapes, found[number][1])
    if len(found) > len(needed):
        name, shapes = found[len(needed)]
        return f"the file has one more layer '{name}' of {_shown(shapes)} than the network."
    return None


def misfit(layer: str, needed: Shapes, found: Shapes | None) -> str:
    """Return the sentence on a layer whose weights have other shapes in a file; None or empty if it has none."""
    has = f"the file has {_shown(found)}" if found else "the file has none for it"
    return f"its layer '{layer}' needs weights of {_shown(needed)}, {has}."


def _shown(shapes: Shapes) -> str:
    return ", ".join("x".join(map(str, shape)) or "one value" for shape in shapes)


def _keys(content: h5py.File) -> list[str]:
    keys: list[str] = []

    def note(key: str, item: Any) -> None:  # noqa: ANN401
        if isinstance(item, h5py.Group) and key.endswith("/vars") and len(item):
            keys.append(key)

    content.visititems(note)
    return keys


def _shapes(group: h5py.Group) -> Shapes:
    return tuple(tuple(group[key].shape) for key in sorted(group, key=int))


def as_shapes(weights: Any) -> Shapes:  # noqa: ANN401
    """Return the shapes of weights."""
    return tuple(tuple(weight.shape) for weight in weights)


def _layer_name(group: h5py.Group) -> str:
    return _text(group.attrs.get("name", group.name))


def _text(value: Any) -> str:  # noqa: ANN401
    return value.decode() if isinstance(value, bytes) else str(value)
