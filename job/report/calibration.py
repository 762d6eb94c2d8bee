"""Write the parts of the report on the calibration of a classifier's probabilities and on unknown photos."""

from collections.abc import Mapping
from html import escape
from typing import Any

from job.report import markup
from job.report.figures import Figure, blank, quantity
from job.report.messages import Messages


def reliability(metrics: Mapping[str, Any], figure: str, messages: Messages) -> str:
    """Show how often predictions of a probability are right; nothing of results of earlier versions.

    Parameters
    ----------
    metrics
        The content of metrics.json, or its entry "folds".
    figure
        Name of the figure that ``reliability_figure`` returns.
    """
    calibration = metrics.get("calibration")
    if calibration is None:
        return ""
    rows = [
        (
            f"{messages.share(entry['from'])} – {messages.share(entry['to'])}",
            messages.number(entry["photos"]),
            *(messages.share(entry[name], 1) for name in ("probability", "accuracy")),
        )
        for entry in calibration["bins"]
    ]
    heads = [messages(name) for name in ("probability_bin", "photos", "mean_probability", "share_right")]
    return (
        f"<h3>{escape(messages('calibration'))}</h3>"
        + markup.note(messages("calibration_note", ece=messages.share(calibration["ece"], 1)))
        + f'<div class="columns">{markup.figure(figure, messages("calibration"))}'
        + f"{markup.table(heads, rows, numbers=(0, 1, 2, 3))}</div>"
    )


def reliability_figure(calibration: Mapping[str, Any], messages: Messages) -> Figure:
    """Return the share that is right over the mean probability of each bin; calibrated bins are on the diagonal.

    ``calibration``: this entry of metrics.json.
    """
    names = {"probability": "mean_probability", "accuracy": "share_right"}
    axes = {
        axis: quantity(field, messages(names[field]), axis={"format": "~%", "tickCount": 5}, scale={"domain": [0, 1]})
        for axis, field in (("x", "probability"), ("y", "accuracy"))
    }
    tooltip = [
        *(quantity(field, messages(name), format=".1%") for field, name in names.items()),
        quantity("photos", messages("photos"), format=",d"),
    ]
    # The area of a point is its share of the photos.
    size = {"field": "photos", "type": "quantitative", "scale": {"range": [30, 500], "zero": True}, "legend": None}
    return {
        **blank(messages("calibration"), height=280),
        "encoding": axes,
        "layer": [
            {
                "data": {"values": [{"probability": end, "accuracy": end} for end in (0, 1)]},
                "mark": {"type": "line", "style": "mark-line"},
            },
            {"data": {"values": calibration["bins"]}, "mark": {"type": "line", "style": "curve", "opacity": 0.5}},
            {
                "data": {"values": calibration["bins"]},
                "mark": {"type": "point", "style": "mark", "filled": True},
                "encoding": {"size": size, "tooltip": tooltip},
            },
        ],
    }


def unknown_note(metrics: Mapping[str, Any], messages: Messages) -> str:
    """Say how many test photos are unknown, if the run rejects photos.

    ``metrics``: the content of metrics.json.
    """
    unknown = metrics.get("unknown")
    if unknown is None or unknown["reject_below"] is None:
        return ""
    values = {
        "unknown": messages.number(unknown["photos"]),
        "photos": messages.number(metrics["evaluated_on"]),
        "below": messages.share(unknown["reject_below"]),
        "accuracy": markup.share(unknown["accuracy"], messages, 2),
    }
    note = markup.note(messages("unknown_note", **values))
    chosen = unknown.get("chosen")
    if chosen is None:
        return note
    shares = {name: messages.share(chosen[name], 1) for name in ("kept", "precision")}
    wanted, photos = messages.share(chosen["wanted_precision"], 1), messages.number(chosen["photos"])
    return note + markup.note(messages("unknown_chosen", wanted=wanted, photos=photos, **shares))
