"""Find what makes an accuracy too good, and photos to check: leaks, duplicates, wrong labels and outliers.

``labelled`` reads the photos once, ``duplicates``, ``leakage`` and ``suspects`` search, and ``photos`` lists what they
find. ``duplicates``, ``labelled``, ``sentences`` and ``stage``, which needs Spark, are public too.
"""

DUPLICATE = "duplicate"
NEAR_DUPLICATE = "near_duplicate"
LABEL = "label"
OUTLIER = "outlier"

KINDS = (DUPLICATE, NEAR_DUPLICATE, LABEL, OUTLIER)
"""What a photo is checked for."""

__all__ = ["DUPLICATE", "KINDS", "LABEL", "NEAR_DUPLICATE", "OUTLIER"]
