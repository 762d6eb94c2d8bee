"""What a run on the standing cluster will take, in one line: hours and USD."""

from infra.commands.cost_request import read_cost_settings
from infra.commands.output.cost_report import clock
from infra.context import Context
from infra.pricing import estimate, expected_speed
from infra.runs.preflight import PhotosFound
from job.errors import OrchardError


def estimate_line(context: Context, photos: PhotosFound) -> str:
    """Return the estimate of a run, or why there is none: a price that is not known stops nobody.

    Parameters
    ----------
    context
        The account, and the clock that prices are asked at.
    photos
        All photos of the run.
    """
    try:
        settings = read_cost_settings(None, context.aws.region)
        prices = context.prices().of(settings.region, estimate.types_of(settings))
        spot = estimate.cheapest(settings.worker_instance_types, prices, estimate.SPOT) is not None
        hour = estimate.hour_cost(settings, prices, spot=spot)
        speed = expected_speed(context.price_cache, estimate.cheapest(settings.worker_instance_types, prices) or "")
        mean_kib = photos.bytes / photos.count / 1024
        # The cluster is there already: its start has been paid for.
        taken = estimate.photos_cost(hour, speed, photos.count, prices, 0.0, mean_kib)
    except OrchardError as error:
        return f"No estimate: {error.message}"
    run = taken.job_usd + (taken.requests_usd or 0.0)
    return f"Estimate: {clock(taken.job_hours)} and {run:.3f} USD, an extrapolation from {speed.basis}."
