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
from infra.upload.image_set import Result, SetFound, set_names, set_prefix, set_uri, upload, uploaded_sets
from infra.upload.photo_folder import Survey, survey, walk
from infra.upload.uploader import Uploader

__all__ = [
    "Bundle",
    "PlacedModel",
    "Result",
    "SetFound",
    "Survey",
    "Uploader",
    "make_bundle",
    "model_key",
    "place_model",
    "send_api",
    "send_bundle",
    "set_names",
    "set_prefix",
    "set_uri",
    "survey",
    "upload",
    "uploaded_sets",
    "walk",
]
