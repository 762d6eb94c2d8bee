"""Find the photos, check them and decode them.

``decode`` is public too, for its function of the same name.
"""

from job.images import image_list, listing
from job.images.decode import DECODING, FORMATS, Pixels, decode_at_own_size, to_rgb, upright
from job.images.limits import LARGEST_FILE, RejectedPhotoError, require_size
from job.images.listing import LISTING_SCHEMA, PHOTO_ENDINGS, PREDICT, TEST, TRAIN, Subset
from job.images.prefetch import photos_in_turn, read_ahead

__all__ = [
    "DECODING",
    "FORMATS",
    "LARGEST_FILE",
    "LISTING_SCHEMA",
    "PHOTO_ENDINGS",
    "PREDICT",
    "TEST",
    "TRAIN",
    "Pixels",
    "RejectedPhotoError",
    "Subset",
    "decode_at_own_size",
    "image_list",
    "listing",
    "photos_in_turn",
    "read_ahead",
    "require_size",
    "to_rgb",
    "upright",
]
