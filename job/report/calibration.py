"""Write the parts of the report on the calibration of a classifier's probabilities and on unknown photos."""

from collections.abc import Mapping
from html import escape
from typing import Any

from job.report import markup
from job.report.messages import Messages


def reliability(metrics: Mapping[str, Any], messages: Messages) -> str:
    """Show how often predictions of a probability are right; nothing of results of earlier versions.

    ``metrics``: the content of metrics.json, or its entry "folds".
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
        + markup.table(heads, rows, numbers=(0, 1, 2, 3))
    )


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
    return markup.note(messages("unknown_note", **values))
