"""Upload photos, backbones and the job's code to the data bucket."""

from infra.upload.content_addressed import (
    Bundle,
    PlacedModel,
    make_bundle,
    model_key,
    place_model,
    send_api,
    send_bundle,
)
from infra.upload.image_set import Result, set_prefix, set_uri, upload
from infra.upload.photo_folder import Survey, survey, walk
from infra.upload.uploader import Uploader

__all__ = [
    "Bundle",
    "PlacedModel",
    "Result",
    "Survey",
    "Uploader",
    "make_bundle",
    "model_key",
    "place_model",
    "send_api",
    "send_bundle",
    "set_prefix",
    "set_uri",
    "survey",
    "upload",
    "walk",
]
