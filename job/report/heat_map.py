"""Turn a confusion matrix into a heat map, whole and of the labels that are most often confused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from job.report import markup
from job.report.figures import Figure, blank, quantity
from job.report.findings import Evaluation
from job.report.messages import Messages

FOCUS = 20
"""Labels of the smaller matrix, which prints its labels and counts."""

LARGE_CELLS = 24
"""A matrix of no more labels than these has room for counts of any size."""

SMALL_CELLS = 40
"""A matrix of more labels than these has small cells and text, and is drawn on a canvas."""

READABLE_LABELS = 100
"""A matrix of more labels than these cannot print all of them, nor any counts."""

LARGEST_MATRIX = 200
"""A matrix of more labels than these would be dust, and megabytes: only the smaller one is drawn."""


def confusion_matrix(
    confusion: npt.NDArray[np.int64], true_labels: Sequence[str], labels: Sequence[str], messages: Messages
) -> Figure:
    """Return a heat map: a row a true label, a column a prediction; empty cells are left out.

    Parameters
    ----------
    confusion
        Counts of shape (true labels, labels).
    true_labels, labels
        Of its rows and of its columns.
    """
    digits = _printed_digits(confusion)
    cells = [f"{row},{column},{confusion[row, column]}" for row, column in zip(*np.nonzero(confusion), strict=True)]
    numbers = dict.fromkeys(("row", "column", "photos"), "number")
    return {
        **blank(messages("confusion"), height=0),
        # The page sets the size, which depends on its width.
        "usermeta": {
            "rows": len(true_labels),
            "columns": len(labels),
            "digits": digits,
        },
        "params": [
            {"name": "rows", "value": list(true_labels)},
            {"name": "columns", "value": list(labels)},
            {"name": "totals", "value": confusion.sum(axis=1).tolist()},
        ],
        "data": {
            "values": "\n".join(["row,column,photos", *cells]),
            "format": {"type": "csv", "parse": numbers},
        },
        "transform": [
            {"calculate": "rows[datum.row]", "as": "true"},
            {"calculate": "columns[datum.column]", "as": "predicted"},
            {"calculate": "datum.photos / totals[datum.row]", "as": "share"},
        ],
        "encoding": {
            "y": _axis("row", len(true_labels), len(true_labels), messages("true_label")),
            "x": _axis("column", len(labels), len(true_labels), messages("predicted")),
        },
        "layer": _layers(0 if not digits else 8 if len(true_labels) > SMALL_CELLS else 11, messages),
    }


def _printed_digits(confusion: npt.NDArray[np.int64]) -> int:
    """Return the digits of the largest count, 0 if counts are not printed."""
    digits = len(str(confusion.max(initial=0)))
    return digits if len(confusion) <= LARGE_CELLS or (len(confusion) <= READABLE_LABELS and digits <= 2) else 0


def most_confused(evaluation: Evaluation) -> set[str]:
    """Return the labels that are in the most frequent confusions, at most ``FOCUS``."""
    chosen: set[str] = set()
    for true, predicted, _, _ in evaluation.confusions():
        if len(chosen | {true, predicted}) > FOCUS:
            break
        chosen |= {true, predicted}
    return chosen


def heat_maps(evaluation: Evaluation, messages: Messages) -> dict[str, Figure]:
    """Return the whole matrix as "confusion" unless it is too large, and its worst part as "focus" if that is less."""
    drawn = {}
    order = sorted(range(len(evaluation.labels)), key=lambda place: markup.natural(evaluation.labels[place]))
    rows = [*order, *range(len(order), len(evaluation.true_labels))]
    confusion, labels = evaluation.confusion[np.ix_(rows, order)], [evaluation.labels[place] for place in order]
    true_labels = [evaluation.true_labels[row] for row in rows]
    if len(true_labels) <= LARGEST_MATRIX:
        drawn["confusion"] = confusion_matrix(confusion, true_labels, labels, messages)
    chosen = most_confused(evaluation)
    if len(true_labels) > LARGE_CELLS and chosen:
        rows = [row for row, label in enumerate(true_labels) if label in chosen]
        columns = [column for column, label in enumerate(labels) if label in chosen]
        drawn["focus"] = confusion_matrix(
            confusion[np.ix_(rows, columns)],
            [true_labels[row] for row in rows],
            [labels[column] for column in columns],
            messages,
        )
    return drawn


def _axis(field: str, count: int, rows: int, title: str) -> dict[str, Any]:
    readable = rows <= READABLE_LABELS
    axis = {
        "labelExpr": f"{field}s[datum.value]",
        "labelOverlap": not readable,
        "labelAngle": 0,
        # Lines between the cells lead from a cell to its labels.
        "grid": readable,
        "tickBand": "extent",
        "ticks": False,
        "domain": False,
    }
    if field == "column":
        axis |= {"orient": "top", "labelAngle": -90}
    if rows > SMALL_CELLS:
        axis["labelFontSize"] = 9
    return {
        "field": field,
        "type": "ordinal",
        "scale": {"domain": list(range(count)), "padding": 0},
        "title": title,
        "axis": axis,
    }


def _layers(font_size: int, messages: Messages) -> list[Figure]:
    """Return the layers of right and wrong predictions, and of their counts unless the font size is 0."""
    colour = {
        "fillOpacity": {
            "field": "share",
            "type": "quantitative",
            "scale": {"type": "sqrt", "domain": [0, 1], "range": [0.3, 1]},
            "legend": None,
        },
        "tooltip": [
            {"field": "true", "type": "nominal", "title": messages("true_label")},
            {"field": "predicted", "type": "nominal", "title": messages("predicted")},
            quantity("photos", messages("photos"), format=",d"),
            quantity("share", messages("of_the_row"), format=".1%"),
        ],
    }
    layers: list[Figure] = [
        _where("datum.true === datum.predicted", {"mark": {"type": "rect", "style": "right"}, "encoding": colour}),
        _where("datum.true !== datum.predicted", {"mark": {"type": "rect", "style": "wrong"}, "encoding": colour}),
    ]
    if font_size:
        text = {"text": {"field": "photos", "type": "quantitative", "format": ",d"}}
        layers += [
            _where(test, {"mark": {"type": "text", "style": style, "fontSize": font_size}, "encoding": text})
            for test, style in (("datum.share > 0.4", "on-dark-cell"), ("datum.share <= 0.4", "on-light-cell"))
        ]
    return layers


def _where(test: str, layer: Figure) -> Figure:
    return {"transform": [{"filter": test}], **layer}
