"""Build the Keras network of a backbone, from RGB 0..255 to features, and load its weights.

Only the export imports this module, in its child process.
"""

import hashlib
import importlib
from pathlib import Path
from typing import Any

import h5py

from job.errors import BackboneError, WeightsNotDownloadedError
from job.features.network import efficientnet_lite, pytorch_file
from job.features.network.keras_weights import difference, named_by_content
from job.features.network.registry import IMAGENET, LITE, RANDOM, Network
from job.features.network.weights_packages import packaged_weights

CUT_HINT = "Give weights or a .keras model of the same network without its last layer."


def build(keras: Any, name: str, network: Network, weights: str, seed: int) -> Any:  # noqa: ANN401 - Keras has no types
    """Return the Keras model from RGB 0..255, uint8 of shape (photos, side, side, 3), to features.

    ``weights``: ``IMAGENET``, ``RANDOM``, or a file: ``.weights.h5``, Keras' older ``.h5``, a ``.keras`` model, or
    ``.pth`` for EfficientNet-Lite.
    """
    if network.module == LITE and weights == IMAGENET:
        weights = str(packaged_weights(name))
    if weights in (IMAGENET, RANDOM) or weights.endswith(pytorch_file.ENDING):
        core = _core(keras, name, network, weights, seed)
    else:
        with named_by_content(weights) as file:
            try:
                core = _core(keras, name, network, file, seed)
            except BackboneError as error:
                raise type(error)(error.message.replace(file, weights), error.hint) from error
    photos = keras.Input((network.side, network.side, 3), dtype="uint8")
    colours = keras.ops.cast(photos, "float32")
    if network.module == LITE:
        scaled = efficientnet_lite.scale_colours(colours)
    else:
        scaled = getattr(keras.applications, network.module).preprocess_input(colours)
    return keras.Model(photos, core(scaled), name=name)


def _core(keras: Any, name: str, network: Network, weights: str, seed: int) -> Any:  # noqa: ANN401
    """Return the network from scaled colours to features."""
    if weights == IMAGENET:
        try:
            return _architecture(keras, network, IMAGENET)
        except Exception as error:
            raise WeightsNotDownloadedError(
                f"Cannot download the ImageNet weights of {name}: {' '.join(str(error).split())}",
                "Download them on another machine and use --weights FILE, or --weights random for a trial.",
            ) from error
    if weights.endswith(".keras"):
        return _from_model_file(keras, name, network, weights)
    keras.utils.set_random_seed(seed)
    core = _architecture(keras, network, None)
    if weights != RANDOM:
        _load_weights(core, name, network, weights)
        if network.module == "efficientnet" and _scaled_for_imagenet(weights):
            _fold_imagenet_scaling(core)
    return core


def _architecture(keras: Any, network: Network, weights: str | None) -> Any:  # noqa: ANN401
    if network.module == LITE:
        return efficientnet_lite.build(keras, efficientnet_lite.VARIANTS[network.builder], network.side)
    builder = getattr(keras.applications, network.builder)
    shape = (network.side, network.side, 3)
    if network.layer is None:
        return builder(weights=weights, include_top=False, pooling="avg", input_shape=shape)
    whole = builder(weights=weights, include_top=True, input_shape=shape)
    return keras.Model(whole.input, whole.get_layer(network.layer).output)


def _from_model_file(keras: Any, name: str, network: Network, file: str) -> Any:  # noqa: ANN401
    """Return a saved model that ends in features; a last layer that follows them is removed."""
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise BackboneError(f"Cannot read '{file}' as a Keras model: {_first_line(error)}", CUT_HINT) from error
    photos, features = (None, network.side, network.side, 3), (None, network.features)
    if tuple(model.input_shape) not in (photos, (None, None, None, 3)):
        raise BackboneError(
            f"The input of {name} must have shape {photos[1:]}, got {model.input_shape[1:]} "
            f"at layer '{model.layers[0].name}' of '{file}'.",
            CUT_HINT,
        )
    last = model.layers[-1]
    if tuple(model.output_shape) == features:
        return model
    if tuple(last.input.shape) == features:
        return keras.Model(model.input, last.input)
    raise BackboneError(
        f"The features of {name} must have shape {features[1:]}, got {model.output_shape[1:]} "
        f"at the last layer '{last.name}' of '{file}'.",
        CUT_HINT,
    )


def _load_weights(core: Any, name: str, network: Network, file: str) -> None:  # noqa: ANN401
    tensors = None
    if network.module == LITE and file.endswith(pytorch_file.ENDING):
        tensors = pytorch_file.read_tensors(file)
    try:
        if tensors is None:
            core.load_weights(file)
        else:
            efficientnet_lite.load_tensors(core, tensors)
    except Exception as error:
        reason = (tensors is None and difference(core, file)) or _first_line(error)
        raise BackboneError(f"The weights in '{file}' do not fit {name}: {reason}", CUT_HINT) from error


def _scaled_for_imagenet(file: str) -> bool:
    """Return whether an EfficientNet's weights require one more division of the colours.

    With weights="imagenet", Keras adds a layer that divides normalized colours by the root of their deviation
    (keras/src/applications/efficientnet.py). The layer has no weights, so loading the same file would silently omit it.
    """
    with h5py.File(file) as content:
        if "layers/rescaling_1" in content:
            return True
        names = [str(name) for name in content.attrs.get("layer_names", ())]
    if sum("rescaling" in name for name in names) > 1:
        return True
    published = importlib.import_module("keras.src.applications.efficientnet").WEIGHTS_HASHES
    with Path(file).open("rb") as stream:
        # Keras publishes MD5; it is not used for security here.
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return any(digest in digests for digests in published.values())


def _fold_imagenet_scaling(core: Any) -> None:  # noqa: ANN401
    """Fold the extra division into the variance of the normalization: (x - m) / sqrt(v) / sqrt(d)."""
    deviations = importlib.import_module("keras.src.applications.efficientnet").IMAGENET_STDDEV_RGB
    normalization = next(layer for layer in core.layers if type(layer).__name__ == "Normalization")
    normalization.adapt_variance.assign(normalization.adapt_variance * deviations)
    normalization.finalize_state()


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
