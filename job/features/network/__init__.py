"""Compute features of photos with a network.

``export`` (also a program), ``extractor`` (needs Spark), ``quantize`` and ``tflite_graph`` are public too.
"""

from job.features.network.backbone import (
    CALIBRATING_KEY,
    DESCRIPTION_KEY,
    Backbone,
    BackboneDescription,
    content_hash,
    load,
    read_description,
    seconds_a_photo,
)
from job.features.network.litert import FLOAT16, FLOAT32, INT8
from job.features.network.registry import IMAGENET, NETWORKS, RANDOM, network_name, require_network
from job.features.network.transform import NO_TRANSFORM, SQRT, TRANSFORMS

__all__ = [
    "CALIBRATING_KEY",
    "DESCRIPTION_KEY",
    "FLOAT16",
    "FLOAT32",
    "IMAGENET",
    "INT8",
    "NETWORKS",
    "NO_TRANSFORM",
    "RANDOM",
    "SQRT",
    "TRANSFORMS",
    "Backbone",
    "BackboneDescription",
    "content_hash",
    "load",
    "network_name",
    "read_description",
    "require_network",
    "seconds_a_photo",
]
