"""Builds the Keras network behind a backbone: from RGB 0..255 to features, with the weights that were asked for.

Imported by the export alone, in its own process.
"""

import hashlib
import importlib
from pathlib import Path
from typing import Any

import h5py

from job.errors import BackboneError, WeightsNotDownloadedError
from job.features.network.keras_weights import difference
from job.features.network.registry import IMAGENET, RANDOM, Network

CUT_HINT = "Give weights or a .keras model of the same network, cut before its last layer."


def build(keras: Any, name: str, network: Network, weights: str, seed: int) -> Any:  # noqa: ANN401 - Keras has no types
    """Return the Keras model from RGB 0..255, uint8 of shape (photos, side, side, 3), to features.

    ``weights``: ``IMAGENET``, ``RANDOM``, or a file: ``.weights.h5``, Keras' older ``.h5``, or a ``.keras`` model.
    """
    core = _core(keras, name, network, weights, seed)
    photos = keras.Input((network.side, network.side, 3), dtype="uint8")
    scale = getattr(keras.applications, network.module).preprocess_input
    scaled = scale(keras.ops.cast(photos, "float32"))
    return keras.Model(photos, core(scaled), name=name)


def _core(keras: Any, name: str, network: Network, weights: str, seed: int) -> Any:  # noqa: ANN401
    """Return the network that takes scaled colours."""
    if weights == IMAGENET:
        try:
            return _architecture(keras, network, IMAGENET)
        except Exception as error:
            raise WeightsNotDownloadedError(
                f"The ImageNet weights of {name} could not be downloaded: {' '.join(str(error).split())}",
                "Give a file that was downloaded elsewhere: --weights FILE; or --weights random to try things out.",
            ) from error
    if weights.endswith(".keras"):
        return _from_model_file(keras, name, network, weights)
    keras.utils.set_random_seed(seed)
    core = _architecture(keras, network, None)
    if weights != RANDOM:
        _load_weights(core, name, weights)
        if network.module == "efficientnet" and _scaled_for_imagenet(weights):
            _fold_imagenet_scaling(core)
    return core


def _architecture(keras: Any, network: Network, weights: str | None) -> Any:  # noqa: ANN401
    builder = getattr(keras.applications, network.builder)
    shape = (network.side, network.side, 3)
    if network.layer is None:
        return builder(weights=weights, include_top=False, pooling="avg", input_shape=shape)
    whole = builder(weights=weights, include_top=True, input_shape=shape)
    return keras.Model(whole.input, whole.get_layer(network.layer).output)


def _from_model_file(keras: Any, name: str, network: Network, file: str) -> Any:  # noqa: ANN401
    """Return a saved model that ends in features; where only its last layer follows them, without that layer."""
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise BackboneError(f"'{file}' cannot be read as a Keras model: {_first_line(error)}", CUT_HINT) from error
    photos, features = (None, network.side, network.side, 3), (None, network.features)
    if tuple(model.input_shape) not in (photos, (None, None, None, 3)):
        raise BackboneError(
            f"The model in '{file}' does not fit {name}: its layer '{model.layers[0].name}' takes "
            f"{model.input_shape[1:]}, {name} takes {photos[1:]}.",
            CUT_HINT,
        )
    last = model.layers[-1]
    if tuple(model.output_shape) == features:
        return model
    if tuple(last.input.shape) == features:
        return keras.Model(model.input, last.input)
    raise BackboneError(
        f"The model in '{file}' does not fit {name}: its last layer '{last.name}' gives {model.output_shape[1:]}, "
        f"{name} gives {features[1:]}.",
        CUT_HINT,
    )


def _load_weights(core: Any, name: str, file: str) -> None:  # noqa: ANN401
    try:
        core.load_weights(file)
    except Exception as error:
        told = difference(core, file) or _first_line(error)
        raise BackboneError(f"The weights in '{file}' do not fit {name}: {told}", CUT_HINT) from error


def _scaled_for_imagenet(file: str) -> bool:
    """Return whether an EfficientNet's weights belong to a network that divides colours once more.

    Keras adds a layer without weights to EfficientNet for its own ImageNet weights alone: colours are divided by the
    root of their deviation after they were normalised (see keras/src/applications/efficientnet.py). Loading the same
    weights from a file would leave the layer out without a word.
    """
    with h5py.File(file) as content:
        if "layers/rescaling_1" in content:
            return True
        names = [str(name) for name in content.attrs.get("layer_names", ())]
    if sum("rescaling" in name for name in names) > 1:
        return True
    published = importlib.import_module("keras.src.applications.efficientnet").WEIGHTS_HASHES
    with Path(file).open("rb") as stream:
        # MD5 is what Keras publishes; it guards nothing here.
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return any(digest in digests for digests in published.values())


def _fold_imagenet_scaling(core: Any) -> None:  # noqa: ANN401
    """Put the extra division into the variance that the network normalises with: (x - m) / sqrt(v) / sqrt(d)."""
    deviations = importlib.import_module("keras.src.applications.efficientnet").IMAGENET_STDDEV_RGB
    normalization = next(layer for layer in core.layers if type(layer).__name__ == "Normalization")
    normalization.adapt_variance.assign(normalization.adapt_variance * deviations)
    normalization.finalize_state()


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
