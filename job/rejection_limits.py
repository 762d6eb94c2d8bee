"""End a run whose rejected photos leave too few, or are more than ``--max-rejected`` allows."""

from collections.abc import Sequence

import pyarrow as pa

from job.arguments import most_allowed
from job.errors import TooFewPhotosError, TooManyRejectedError
from job.images import TRAIN
from job.results import layout
from job.results.tables import count_reasons
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
            f"A fit requires at least 2 usable photos, got {used} of {training}. "
            f"The first rejected: {first_reason(output, reports)}.",
            "Add photos, or repair these.",
        )


def require_any(output: str, photos: int, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise TooManyRejectedError above the limit, TooFewPhotosError if no photo could be used."""
    require_within(output, limit, reports)
    if all(report.file is None for report in reports):
        raise TooFewPhotosError(
            f"A prediction requires at least 1 usable photo, got 0 of {photos}. "
            f"The first rejected: {first_reason(output, reports)}.",
            "Add photos, or repair these.",
        )


def require_within(output: str, limit: str | None, reports: Sequence[PhotosReport]) -> None:
    """Raise TooManyRejectedError if more photos were rejected than a limit allows."""
    if limit is None:
        return
    rejected = sum(report.rejected.rows for report in reports if report.rejected is not None)
    photos = rejected + sum(report.used.total() for report in reports)
    if rejected <= most_allowed(limit, photos):
        return
    commonest = count_reasons(_rejected(output, reports))[0]
    raise TooManyRejectedError(
        f"At most {limit} of the photos may be rejected (--max-rejected), got {rejected:,} of {photos:,} "
        f"({rejected / photos:.2%}). The most common reason, {commonest.photos:,} times: {commonest.reason}.",
        f"Repair the photos listed in {output}/{layout.REJECTED}, or raise --max-rejected; then add --resume.",
    )


def first_reason(output: str, reports: Sequence[PhotosReport]) -> str:
    """Return path and reason of the first rejected photo."""
    rejected = _rejected(output, reports)
    return f"{rejected['path'][0]}: {rejected['reason'][0]}" if len(rejected) else "none was rejected"


def _rejected(output: str, reports: Sequence[PhotosReport]) -> pa.Table:
    files = [report.rejected for report in reports if report.rejected is not None]
    tables = [layout.read_parquet(output, file.path) for file in files]
    return pa.concat_tables([layout.REJECTED_SCHEMA.empty_table(), *tables])
