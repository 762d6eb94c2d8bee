"""Write the sections of the report on a cross-validation and on compared classifiers, and the weakest labels."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from job.report import markup
from job.report.calibration import reliability
from job.report.messages import Messages

WEAKEST_SHOWN = 15


def section(folds: Mapping[str, Any], grouped: bool, messages: Messages) -> str:
    """Show the outcome of a cross-validation.

    Parameters
    ----------
    folds
        The entry "folds" of metrics.json.
    grouped
        Whether folds were cut by group, not by photo.
    """
    shares = {
        f"{name}_{kind}": markup.share(folds[name][kind], messages, 1)
        for name in ("accuracy", "macro_f1")
        for kind in ("mean", "std")
    }
    by = messages("by_group" if grouped else "by_photo")
    body = [markup.note(messages("folds_note", folds=messages.number(folds["folds"]), by=by, **shares))]
    untested = folds["untested_labels"]
    if untested:
        body.append(markup.note(messages("folds_untested", labels=markup.first(untested))))
    rows = [
        (
            messages.number(number),
            *(messages.number(entry[name]) for name in ("trained_on", "evaluated_on")),
            *(markup.share(entry[name], messages, 1) for name in ("accuracy", "macro_f1")),
        )
        for number, entry in enumerate(folds["each"], 1)
    ]
    heads = [messages(name) for name in ("fold", "fold_trained_on", "fold_tested_on", "accuracy", "macro_f1")]
    body.append(markup.table(heads, rows, numbers=(0, 1, 2, 3, 4)))
    return (
        "".join(body) + weakest_labels(folds["per_label"], messages) + reliability(folds, "fold_calibration", messages)
    )


def comparison(compared: Sequence[Mapping[str, Any]], messages: Messages) -> str:
    """Show what each kind of classifier reached on held-out training photos.

    ``compared``: the entry "compared" of metrics.json.
    """
    trained, tested = (messages.number(compared[0][name]) for name in ("trained_on", "evaluated_on"))
    rows = [
        (
            messages.classifier(entry["classifier"]),
            *(markup.share(entry[name], messages, 1) for name in ("accuracy", "macro_f1")),
        )
        for entry in compared
    ]
    heads = [messages(name) for name in ("classifier", "accuracy", "macro_f1")]
    note = markup.note(messages("compared_note", trained=trained, tested=tested))
    return note + markup.table(heads, rows, numbers=(1, 2))


def weakest_labels(per_label: Sequence[Mapping[str, Any]], messages: Messages) -> str:
    """Show the tested labels with the lowest F1; nothing if all are perfect."""
    weakest = sorted(
        (entry for entry in per_label if entry["photos"] and entry["f1"] < 1),
        key=lambda entry: (entry["f1"], entry["label"]),
    )
    if not weakest:
        return ""
    names = ("f1", "precision", "recall")
    listed = [
        (
            entry["label"],
            *(markup.share(entry[name], messages, 1) for name in names),
            messages.number(entry["photos"]),
        )
        for entry in weakest[:WEAKEST_SHOWN]
    ]
    heads = [messages("label"), *(messages(name) for name in names), messages("photos")]
    return f"<h3>{escape(messages('weakest'))}</h3>{markup.table(heads, listed, numbers=(1, 2, 3, 4))}"
