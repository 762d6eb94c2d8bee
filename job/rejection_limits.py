"""What it means for a run that photos were set aside: too few are left, or more than was allowed."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from job.arguments import most_allowed
from job.errors import TooFewPhotosError, TooManyRejectedError
from job.images.listing import TRAIN
from job.results import layout
from job.spark.tasks import PhotosReport


def require_enough(output: str, training: int, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise if more photos were set aside than allowed, or if fewer than two to fit on could be used.

    Parameters
    ----------
    output
        URI of the results folder.
    training
        How many photos to fit on are listed.
    limit
        As ``most_allowed`` takes it; None allows all.
    reports
        Of the tasks that have looked at the photos.

    Raises
    ------
    RunFailedError
        If there were more than the limit.
    UsageError
        If there is too little to fit on.
    """
    require_within(output, limit, reports)
    used = sum(report.used[TRAIN] for report in reports)
    if used < 2:
        raise TooFewPhotosError(
            f"Of {training} photos to fit on, {used} could be used, and at least 2 are needed. "
            f"The first reason: {first_reason(output, reports)}.",
            "Give more photos, or mend these.",
        )


def require_any(output: str, photos: int, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise if more photos were set aside than allowed, or if not one could be used; else as ``require_enough``."""
    require_within(output, limit, reports)
    if all(report.made is None for report in reports):
        raise TooFewPhotosError(
            f"None of {photos} photos could be used. The first reason: {first_reason(output, reports)}.",
            "Give other photos, or mend these.",
        )


def require_within(output: str, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise RunFailedError if more photos were set aside than a limit allows."""
    if limit is None:
        return
    rejected = sum(report.rejected.rows for report in reports if report.rejected is not None)
    photos = rejected + sum(report.used.total() for report in reports)
    if rejected <= most_allowed(limit, photos):
        return
    reason, number = commonest([reason for _, reason in _rejected(output, reports)])
    raise TooManyRejectedError(
        f"{rejected:,} of {photos:,} photos ({rejected / photos:.2%}) were set aside, more than the {limit} of "
        f"--max-rejected. The commonest reason, of {number:,}: {reason}.",
        f"See all in {output}/{layout.REJECTED}. Mend the photos or allow more, then run it again with --resume.",
    )


def commonest(reasons: Sequence[str]) -> tuple[str, int]:
    """Return the reason that occurs most often, and how often; reasons that differ in their numbers alone are one."""
    alike = Counter(re.sub(r"\d[\d,.]*", "0", reason) for reason in reasons)
    kind, number = alike.most_common(1)[0]
    return next(reason for reason in reasons if re.sub(r"\d[\d,.]*", "0", reason) == kind), number


def first_reason(output: str, reports: Sequence[PhotosReport]) -> str:
    """Return path and reason of the first photo that was set aside."""
    for path, reason in _rejected(output, reports):
        return f"{path}: {reason}"
    return "none was rejected"


def _rejected(output: str, reports: Sequence[PhotosReport]) -> Iterator[tuple[str, str]]:
    for report in reports:
        if report.rejected is not None:
            for row in layout.read_parquet(output, report.rejected.path).to_pylist():
                yield row["path"], row["reason"]
