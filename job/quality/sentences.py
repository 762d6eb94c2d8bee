"""Say in a few lines what a run has found about its photos."""

from collections.abc import Mapping
from typing import Any

from job.quality import DUPLICATE, LABEL, NEAR_DUPLICATE, OUTLIER

_NAMES = {
    DUPLICATE: ("duplicate", "duplicates"),
    NEAR_DUPLICATE: ("near-duplicate", "near-duplicates"),
    LABEL: ("suspected label", "suspected labels"),
    OUTLIER: ("outlier", "outliers"),
}


def sentences(description: Mapping[str, Any]) -> list[str]:
    """Return a line on leakage and one on the photos to check, from the manifest's entry "quality"."""
    lines = [] if description["leakage"] is None else [leakage_sentence(description["leakage"])]
    counted = description["photos"]
    parts = [f"{counted[kind]:,} {names[counted[kind] != 1]}" for kind, names in _NAMES.items() if counted[kind]]
    if parts:
        two_labels = counted["copies_with_two_labels"]
        more = f"; copies with another label than the original: {two_labels:,}" if two_labels else ""
        lines.append(f"Photos to check: {', '.join(parts)}{more}.")
    if not description["duplicates"]["thumbnails_compared"]:
        lines.append("Near-duplicates were not searched: there are too many photos.")
    return lines


def leakage_sentence(found: Mapping[str, Any]) -> str:
    """Return the line on leakage."""
    sampled = found["examined"] < found["test"]
    photos = f"{found['examined']:,} examined test photos" if sampled else "test photos"
    if not found["near_duplicates"]:
        return f"None of the {photos} has a near-duplicate in training (cosine of at least {found['threshold']})."
    which = f"have a near-duplicate in training (cosine of at least {found['threshold']})"
    line = f"{found['share']:.0%} of the {photos} {which}"
    if found["accuracy"] is None:
        return f"{line}."
    if found["accuracy_without"] is None:
        return f"{line}; there is no accuracy without them."
    return f"{line}; accuracy without them is {found['accuracy_without']:.1%}, with them {found['accuracy']:.1%}."
