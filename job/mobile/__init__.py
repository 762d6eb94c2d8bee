"""Build and run a TensorFlow Lite model that classifies photos on a phone."""

from job.mobile.build import MobileDescription, mobile_model, parse_description
from job.mobile.classify import PhotoClassifier
from job.mobile.quantize import FLOAT16, INT8, with_quantized_weights

__all__ = [
    "FLOAT16",
    "INT8",
    "MobileDescription",
    "PhotoClassifier",
    "mobile_model",
    "parse_description",
    "with_quantized_weights",
]
