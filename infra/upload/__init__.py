"""Upload photos, backbones and the job's code to the data bucket."""

from infra.upload.content_addressed import make_bundle, model_key, place_model, send_api, send_bundle
from infra.upload.image_set import (
    Result,
    SetFound,
    require_no_shards,
    require_none_left_over,
    require_shards_only,
    set_names,
    set_prefix,
    set_uri,
    upload,
    uploaded_sets,
)
from infra.upload.photo_folder import LocalFile, Survey, ToSend, requests_of, survey, walk
from infra.upload.shards import SHARD_SIZE, SHARDS_AT_A_TIME, plan, usable
from infra.upload.uploader import Uploader, not_sent

__all__ = [
    "SHARDS_AT_A_TIME",
    "SHARD_SIZE",
    "LocalFile",
    "Result",
    "SetFound",
    "Survey",
    "ToSend",
    "Uploader",
    "make_bundle",
    "model_key",
    "not_sent",
    "place_model",
    "plan",
    "requests_of",
    "require_no_shards",
    "require_none_left_over",
    "require_shards_only",
    "send_api",
    "send_bundle",
    "set_names",
    "set_prefix",
    "set_uri",
    "survey",
    "upload",
    "uploaded_sets",
    "usable",
    "walk",
]
