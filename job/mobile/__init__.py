"""Build and run a TensorFlow Lite model that classifies photos on a phone."""

from job.mobile.build import MobileDescription, mobile_model, parse_description
from job.mobile.classify import PhotoClassifier
from job.mobile.float16 import with_float16_weights

__all__ = [
    "MobileDescription",
    "PhotoClassifier",
    "mobile_model",
    "parse_description",
    "with_float16_weights",
]
