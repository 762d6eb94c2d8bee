"""Turn findings into figures: Vega-Lite specifications without colours, which come from the page's theme.

Source of the language: https://vega.github.io/vega-lite/docs/.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from job.classifiers import UNKNOWN
from job.features import TASK_STAGES
from job.images import TRAIN
from job.report import markup
from job.report.messages import Messages
from job.report.photo_sample import PhotoSample

Figure = dict[str, Any]

COLOURS = 8
"""Labels that have a colour and a shape at the same time: more cannot be distinguished."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_CURVE_BEYOND = 1.35
"""The curve goes on a little after 99 % are reached, and the rest of it is flat."""


def scree(cumulative: npt.NDArray[np.float64], for_variance: dict[str, int], kept: int, messages: Messages) -> Figure:
    """Return the curve of the variance that the first components keep, with some shares and the kept number marked.

    Parameters
    ----------
    cumulative
        Share kept by the first 1, 2, ... components.
    for_variance
        Components that each share needs, by the share as text ("0.95").
    kept
        Components that the run keeps.
    """
    last = max(curve_end(cumulative, for_variance), kept)
    texts = {
        count: messages("mark", share=messages.share(float(share)), count=messages.number(count))
        for share, count in for_variance.items()
    }
    texts[kept] = messages("kept_mark", text=texts.get(kept) or messages.number(kept))
    marks = [{"n": count, "share": float(cumulative[count - 1]), "text": text} for count, text in texts.items()]
    x = quantity("n", messages("components"), scale={"domain": [0, round(last * 1.08)], "nice": False})
    y = quantity("share", messages("share"), axis={"format": "~%"}, scale={"domain": [0, 1]})
    number = {"type": "quantitative", "field": "n", "title": messages("components")}
    return {
        **blank(messages("variance"), height=300),
        "layer": [
            {
                "data": {"values": [{"n": n + 1, "share": round(float(cumulative[n]), 5)} for n in range(last)]},
                "mark": {"type": "line", "style": "curve"},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": marks},
                "encoding": {"x": x, "y": y},
                "layer": [
                    {"mark": {"type": "rule", "style": "mark-line"}, "encoding": {"y2": {"datum": 0}}},
                    {
                        "mark": {"type": "point", "style": "mark", "filled": True, "size": 70},
                        "encoding": {"tooltip": [number, quantity("share", messages("share"), format=".2%")]},
                    },
                    # Rotated, right of the rules: horizontal texts would overlap, and left of a rule is the curve.
                    {
                        "mark": {
                            "type": "text",
                            "align": "right",
                            "baseline": "top",
                            "angle": 270,
                            "dx": -10,
                            "dy": 4,
                        },
                        "encoding": {"text": {"field": "text"}},
                    },
                ],
            },
        ],
    }


def curve_end(cumulative: npt.NDArray[np.float64], for_variance: dict[str, int]) -> int:
    """Return the last component of the curve."""
    return min(len(cumulative), max(10, round(_CURVE_BEYOND * max(for_variance.values(), default=10))))


COMPONENTS_SHOWN = 6
"""Any two of these can be looked at."""

FITTED, RIGHT, WRONG, OTHER = range(4)
"""Kinds of photos in the scatter: training photos, test photos that were classified right, or wrong, and all others."""


def kinds(photos: PhotoSample, taken: Mapping[str, str]) -> list[int]:
    """Return the kind of each photo; ``taken``: the predicted labels of test photos by path."""
    found = []
    for path, label, split in zip(photos.paths, photos.labels, photos.splits, strict=True):
        if split == TRAIN:
            found.append(FITTED)
        elif path not in taken or taken[path] == UNKNOWN:
            found.append(OTHER)
        else:
            found.append(RIGHT if taken[path] == label else WRONG)
    return found


def scatter(photos: PhotoSample, kinds: Sequence[int], chosen: Sequence[str | None], messages: Messages) -> Figure:
    """Return the plane of two components, one point a photo, and a ring around those classified wrong.

    Its parameters can be changed while it is shown: ``chosen`` (places of up to ``COLOURS`` labels in
    ``label_table``), ``shown_kinds``, ``across_component`` and ``upwards_component`` (from 0; the two after the last
    component are the positions on the map, which is shown first if there is one).

    ``photos``: of at least two components.
    """
    table = label_table(photos)
    place = {label: number for number, label in enumerate(table)}
    components = photos.components[:, :COMPONENTS_SHOWN]
    count = components.shape[1]
    if photos.plane is not None:
        components = np.hstack([components, photos.plane])
    rounded = [[float(f"{value:.4g}") for value in row] for row in components.tolist()]
    first = 0 if photos.plane is None else count
    values = [
        {"photo": number, "label": place[label], "kind": kind, "c": row}
        for number, (label, kind, row) in enumerate(zip(photos.labels, kinds, rounded, strict=True))
    ]
    lowest, highest = components.min(axis=0), components.max(axis=0)
    # A constant component has an axis too.
    highest = np.where(highest > lowest, highest, lowest + 1)
    slots = list(range(COLOURS))
    point = {"type": "point", "filled": True}
    slot = {"field": "slot", "type": "nominal", "legend": None}
    return {
        **blank(messages("scatter"), height=420),
        "params": [
            {"name": "chosen", "value": [place[label] for label in chosen]},
            {"name": "shown_kinds", "value": sorted(set(kinds))},
            {"name": "across_component", "value": first},
            {"name": "upwards_component", "value": first + 1},
            # Axes stay as they are whichever labels are chosen.
            {"name": "lowest", "value": lowest.tolist()},
            {"name": "highest", "value": highest.tolist()},
        ],
        "data": {"name": "photos", "values": values},
        "transform": [
            {"filter": "indexof(shown_kinds, datum.kind) >= 0"},
            {"calculate": "datum.c[across_component]", "as": "across"},
            {"calculate": "datum.c[upwards_component]", "as": "upwards"},
            {"calculate": "indexof(chosen, datum.label)", "as": "slot"},
        ],
        "encoding": {
            "x": _component_axis("across", count, messages),
            "y": _component_axis("upwards", count, messages),
            "tooltip": {"field": "photo", "type": "quantitative"},
        },
        "layer": [
            {"transform": [{"filter": "datum.slot < 0"}], "mark": {**point, "style": "other", "size": 22}},
            {
                "transform": [{"filter": "datum.slot >= 0"}],
                "mark": {**point, "size": 55, "opacity": 0.9},
                "encoding": {
                    "color": {**slot, "scale": {"domain": slots}},
                    "shape": {**slot, "scale": {"domain": slots, "range": SHAPES}},
                },
            },
            {
                "transform": [{"filter": f"datum.kind === {WRONG}"}],
                "mark": {"type": "point", "style": "ring", "filled": False, "size": 130},
            },
        ],
    }


SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"]
"""One for each colour, so that colour alone carries no information."""


def _component_axis(name: str, count: int, messages: Messages) -> dict[str, Any]:
    """Return an axis; those of the map, after the last of ``count`` components, have no title."""
    component = f"{name}_component"
    before, after = messages("component", number="@").split("@")
    return {
        "field": name,
        "type": "quantitative",
        "scale": {"domain": {"expr": f"[lowest[{component}], highest[{component}]]"}, "nice": True},
        "axis": {
            "title": {"expr": f"{component} < {count} ? {before!r} + ({component} + 1) + {after!r} : ''"},
            "tickCount": 8,
        },
    }


def label_table(photos: PhotoSample) -> list[str | None]:
    """Return the labels of a sample in order, the photos without a label last."""
    return sorted(set(photos.labels), key=lambda label: (label is None, markup.natural(label or "")))


def certainty(bins: Sequence[int], messages: Messages) -> Figure:
    """Return bars of the photos by the probability of their predicted label, from 0 to 1 in bins of equal width."""
    ends = [number / len(bins) for number in range(len(bins) + 1)]
    values = [
        {"from": start, "to": end, "photos": photos}
        for start, end, photos in zip(ends[:-1], ends[1:], bins, strict=True)
    ]
    title = messages("probability")
    return {
        **blank(messages("certainty"), height=220),
        "data": {"values": values},
        "mark": {"type": "bar", "style": "bar"},
        "encoding": {
            "x": {
                "field": "from",
                "type": "quantitative",
                "bin": "binned",
                "title": title,
                "axis": {"format": ".0%", "values": ends},
            },
            "x2": {"field": "to"},
            "y": quantity("photos", messages("photos"), axis={"tickMinStep": 1, "tickCount": 5, "format": ",d"}),
            "tooltip": [
                quantity("from", f"{title} ≥", format=".0%"),
                quantity("photos", messages("photos"), format=",d"),
            ],
        },
    }


def stages(seconds: dict[str, float], title: str, messages: Messages) -> Figure:
    """Return bars of the seconds that each stage took, in the order given."""
    values = [{"stage": messages.stage(name), "seconds": value} for name, value in seconds.items()]
    encoding = {
        "y": {"field": "stage", "type": "nominal", "sort": [entry["stage"] for entry in values], "title": None},
        "x": quantity(
            "seconds",
            messages("seconds"),
            axis={"format": ",~f", "tickCount": 5},
            # Room for the number at the end of the longest bar.
            scale={"domain": [0, 1.25 * max(seconds.values(), default=1.0)], "nice": False},
        ),
    }
    return {
        **blank(title, height=28 * len(values)),
        "data": {"values": values},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "bar", "style": "bar"}},
            {
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 5},
                "encoding": {"text": {"field": "seconds", "type": "quantitative", "format": ",.1f"}},
            },
        ],
    }


def by_clock(seconds: dict[str, float]) -> dict[str, float]:
    """Return the stages that follow each other, without those inside the tasks of the features."""
    return {name: value for name, value in seconds.items() if name not in TASK_STAGES}


def of_tasks(seconds: dict[str, float]) -> dict[str, float]:
    """Return the stages inside the tasks of the features."""
    return {name: seconds[name] for name in TASK_STAGES if name in seconds}


def quantity(field: str, title: str, **more: object) -> dict[str, Any]:
    """Return the encoding of a number in the data; ``more``: its other properties."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def blank(title: str, height: int) -> Figure:
    """Return what all figures have in common; the height is that of the plot, in pixels."""
    return {
        "$schema": _SCHEMA,
        "description": title,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
    }
