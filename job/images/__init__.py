"""List, check and decode photos.

``decode`` is public too, for its function of the same name.
"""

from job.images import groups, image_list, labels, listing
from job.images.decode import (
    DECODING,
    EXACT,
    OVERSAMPLING,
    SCALED,
    Pixels,
    decode_at_own_size,
    open_photo,
    resized,
    to_rgb,
    upright,
)
from job.images.formats import FORMAT_NAMES, describe_ignored, ending, is_photo
from job.images.identity import THUMBNAIL_SIDE, Identity, grey_levels, identify
from job.images.limits import LARGEST_FILE, RejectedPhotoError
from job.images.listing import LISTING_SCHEMA, PREDICT, TEST, TRAIN, LeftOut, Subset, of_split, with_column
from job.images.patterns import nfc
from job.images.prefetch import photos_in_turn, read_ahead
from job.images.views import WINDOWS, Decoded, cut_views, decode_views, smallest_share

__all__ = [
    "DECODING",
    "EXACT",
    "FORMAT_NAMES",
    "LARGEST_FILE",
    "LISTING_SCHEMA",
    "OVERSAMPLING",
    "PREDICT",
    "SCALED",
    "TEST",
    "THUMBNAIL_SIDE",
    "TRAIN",
    "WINDOWS",
    "Decoded",
    "Identity",
    "LeftOut",
    "Pixels",
    "RejectedPhotoError",
    "Subset",
    "cut_views",
    "decode_at_own_size",
    "decode_views",
    "describe_ignored",
    "ending",
    "grey_levels",
    "groups",
    "identify",
    "image_list",
    "is_photo",
    "labels",
    "listing",
    "nfc",
    "of_split",
    "open_photo",
    "photos_in_turn",
    "read_ahead",
    "resized",
    "smallest_share",
    "to_rgb",
    "upright",
    "with_column",
]
