"""List, check and decode photos.

``decode`` is public too, for its function of the same name.
"""

from job.images import image_list, listing
from job.images.decode import (
    DECODING,
    EXACT,
    FORMATS,
    OVERSAMPLING,
    SCALED,
    Pixels,
    decode_at_own_size,
    open_photo,
    resized,
    to_rgb,
    upright,
)
from job.images.limits import LARGEST_FILE, RejectedPhotoError, require_size
from job.images.listing import LISTING_SCHEMA, PHOTO_ENDINGS, PREDICT, TEST, TRAIN, Subset
from job.images.prefetch import photos_in_turn, read_ahead

__all__ = [
    "DECODING",
    "EXACT",
    "FORMATS",
    "LARGEST_FILE",
    "LISTING_SCHEMA",
    "OVERSAMPLING",
    "PHOTO_ENDINGS",
    "PREDICT",
    "SCALED",
    "TEST",
    "TRAIN",
    "Pixels",
    "RejectedPhotoError",
    "Subset",
    "decode_at_own_size",
    "image_list",
    "listing",
    "open_photo",
    "photos_in_turn",
    "read_ahead",
    "require_size",
    "resized",
    "to_rgb",
    "upright",
]
