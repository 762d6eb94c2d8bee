"""List the networks that can be a backbone: their builder, input size and features.

To add one of keras.applications, add a line to ``NETWORKS``. The export scales colours by the ``preprocess_input`` of
its module. The slow test of ``tests/job/features/network/test_registry.py`` checks that the exported file equals Keras.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from job.errors import BackboneError

IMAGENET, RANDOM = "imagenet", "random"
"""The values of --weights that are not files."""

LITE = "efficientnet_lite"
"""The module of networks that are not in ``keras.applications`` but in this package."""


@dataclass(frozen=True)
class Network:
    """A network of ``keras.applications``, or of ``LITE``."""

    module: str  # its submodule, which has ``preprocess_input``; or ``LITE``
    builder: str  # the function that builds it
    side: int  # width and height of its input in pixels
    features: int
    # the layer whose output is the features; None for the last convolution, averaged over the photo
    layer: str | None = None


NETWORKS: Mapping[str, Network] = {
    "mobilenet_v2": Network("mobilenet_v2", "MobileNetV2", 224, 1280),
    "mobilenet_v3_small": Network("mobilenet_v3", "MobileNetV3Small", 224, 576),
    "mobilenet_v3_large": Network("mobilenet_v3", "MobileNetV3Large", 224, 960),
    "mobilenet": Network("mobilenet", "MobileNet", 224, 1024),
    "inception_v3": Network("inception_v3", "InceptionV3", 299, 2048),
    "inception_resnet_v2": Network("inception_resnet_v2", "InceptionResNetV2", 299, 1536),
    "xception": Network("xception", "Xception", 299, 2048),
    "resnet50": Network("resnet", "ResNet50", 224, 2048),
    "resnet101": Network("resnet", "ResNet101", 224, 2048),
    "resnet152": Network("resnet", "ResNet152", 224, 2048),
    "resnet50_v2": Network("resnet_v2", "ResNet50V2", 224, 2048),
    "resnet101_v2": Network("resnet_v2", "ResNet101V2", 224, 2048),
    "resnet152_v2": Network("resnet_v2", "ResNet152V2", 224, 2048),
    # VGG: the pooled last convolution, or the last hidden layer.
    "vgg16": Network("vgg16", "VGG16", 224, 512),
    "vgg16_fc2": Network("vgg16", "VGG16", 224, 4096, layer="fc2"),
    "vgg19": Network("vgg19", "VGG19", 224, 512),
    "vgg19_fc2": Network("vgg19", "VGG19", 224, 4096, layer="fc2"),
    "densenet121": Network("densenet", "DenseNet121", 224, 1024),
    "densenet169": Network("densenet", "DenseNet169", 224, 1664),
    "densenet201": Network("densenet", "DenseNet201", 224, 1920),
    "nasnet_mobile": Network("nasnet", "NASNetMobile", 224, 1056),
    "efficientnet_b0": Network("efficientnet", "EfficientNetB0", 224, 1280),
    "efficientnet_b1": Network("efficientnet", "EfficientNetB1", 240, 1280),
    "efficientnet_b2": Network("efficientnet", "EfficientNetB2", 260, 1408),
    "efficientnet_b3": Network("efficientnet", "EfficientNetB3", 300, 1536),
    "efficientnet_b4": Network("efficientnet", "EfficientNetB4", 380, 1792),
    "efficientnet_lite0": Network(LITE, "EfficientNetLite0", 224, 1280),
    "efficientnet_lite1": Network(LITE, "EfficientNetLite1", 240, 1280),
    "efficientnet_lite2": Network(LITE, "EfficientNetLite2", 260, 1280),
    "efficientnet_v2_b0": Network("efficientnet_v2", "EfficientNetV2B0", 224, 1280),
    "efficientnet_v2_b1": Network("efficientnet_v2", "EfficientNetV2B1", 240, 1280),
    "efficientnet_v2_b2": Network("efficientnet_v2", "EfficientNetV2B2", 260, 1408),
    "efficientnet_v2_b3": Network("efficientnet_v2", "EfficientNetV2B3", 300, 1536),
    "efficientnet_v2_s": Network("efficientnet_v2", "EfficientNetV2S", 384, 1280),
    "convnext_tiny": Network("convnext", "ConvNeXtTiny", 224, 768),
    "convnext_small": Network("convnext", "ConvNeXtSmall", 224, 768),
}
"""The values of --backbone."""


def network_name(text: str) -> str:
    """Return the name of a network as ``NETWORKS`` has it: with underscores, also if it was written with hyphens."""
    return text.replace("-", "_")


def require_network(name: str) -> None:
    """Raise UsageError if a name is not one of ``NETWORKS``."""
    if name not in NETWORKS:
        raise BackboneError(f"Unknown --backbone '{name}'.", _suggest(name))


def _suggest(name: str) -> str:
    close = get_close_matches(name, NETWORKS, n=3)
    return f"Did you mean {' or '.join(close)}?" if close else f"Use one of: {', '.join(NETWORKS)}."
