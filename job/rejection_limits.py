"""Ends a run whose rejected photos leave too few, or are more than ``--max-rejected`` allows."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from job.arguments import most_allowed
from job.errors import TooFewPhotosError, TooManyRejectedError
from job.images import TRAIN
from job.results import layout
from job.spark.tasks import PhotosReport


def require_enough(output: str, training: int, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise TooManyRejectedError above the limit, TooFewPhotosError if fewer than 2 training photos could be used.

    Parameters
    ----------
    training
        How many training photos are listed.
    limit
        As ``most_allowed`` takes it; None allows all.
    """
    require_within(output, limit, reports)
    used = sum(report.used[TRAIN] for report in reports)
    if used < 2:
        raise TooFewPhotosError(
            f"Of {training} photos to fit on, {used} could be used, and at least 2 are needed. "
            f"The first reason: {first_reason(output, reports)}.",
            "Give more photos, or repair these.",
        )


def require_any(output: str, photos: int, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise TooManyRejectedError above the limit, TooFewPhotosError if no photo could be used."""
    require_within(output, limit, reports)
    if all(report.file is None for report in reports):
        raise TooFewPhotosError(
            f"None of {photos} photos could be used. The first reason: {first_reason(output, reports)}.",
            "Give other photos, or repair these.",
        )


def require_within(output: str, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise TooManyRejectedError if more photos were rejected than a limit allows."""
    if limit is None:
        return
    rejected = sum(report.rejected.rows for report in reports if report.rejected is not None)
    photos = rejected + sum(report.used.total() for report in reports)
    if rejected <= most_allowed(limit, photos):
        return
    reason, number = commonest([reason for _, reason in _rejected(output, reports)])
    raise TooManyRejectedError(
        f"{rejected:,} of {photos:,} photos ({rejected / photos:.2%}) were rejected, more than the {limit} of "
        f"--max-rejected. The most common reason, of {number:,}: {reason}.",
        f"See all in {output}/{layout.REJECTED}. Repair the photos or allow more, then run it again with --resume.",
    )


def commonest(reasons: Sequence[str]) -> tuple[str, int]:
    """Return the most common reason, and how often it occurs; reasons that differ only in numbers count as one."""
    alike = Counter(re.sub(r"\d[\d,.]*", "0", reason) for reason in reasons)
    kind, number = alike.most_common(1)[0]
    return next(reason for reason in reasons if re.sub(r"\d[\d,.]*", "0", reason) == kind), number


def first_reason(output: str, reports: Sequence[PhotosReport]) -> str:
    """Return path and reason of the first rejected photo."""
    for path, reason in _rejected(output, reports):
        return f"{path}: {reason}"
    return "none was rejected"


def _rejected(output: str, reports: Sequence[PhotosReport]) -> Iterator[tuple[str, str]]:
    for report in reports:
        if report.rejected is not None:
            for row in layout.read_parquet(output, report.rejected.path).to_pylist():
                yield row["path"], row["reason"]
