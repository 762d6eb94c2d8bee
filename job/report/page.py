"""Write findings as one HTML page: text and tables as HTML, figures for Vega-Lite to draw.

Everything that comes from a run (labels, paths, reasons) passes through ``escape`` or ``json_for_script``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from job.errors import printable
from job.report import (
    calibration,
    checked,
    cost,
    cross_validation,
    figures,
    heat_map,
    likeness,
    markup,
    objects,
    sections,
)
from job.report.findings import Findings
from job.report.messages import Messages
from job.report.predicted import UNCERTAIN

FORBID_NETWORK = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"
)
"""The browser itself keeps the page from loading anything. Vega compiles its expressions, which needs 'unsafe-eval'."""


def render(
    findings: Findings,
    thumbnails: Mapping[str, str],
    messages: Messages,
    script: str,
    previews: Mapping[str, str] = {},
) -> str:
    """Return the whole page.

    Parameters
    ----------
    thumbnails
        Data URIs by a photo's path; photos without one are shown without.
    script
        JavaScript that defines ``vegaEmbed``.
    previews
        Data URIs of the photos with boxes, by path.
    """
    drawn = page_figures(findings, messages)
    content = {
        "figures": drawn,
        "locale": messages.locale(),
        "notDrawn": messages("not_drawn"),
        "readableLabels": heat_map.READABLE_LABELS,
        "smallCells": heat_map.SMALL_CELLS,
        "scatter": _scatter_content(findings, thumbnails, messages) if "scatter" in drawn else None,
    }
    shown = list(_sections(findings, thumbnails, previews, messages))
    title = f"{_title(findings, messages)}: {findings.manifest['run_id']}"
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{messages.language}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{FORBID_NETWORK}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # A browser would otherwise ask for a favicon.
        '<link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title><style>{_resource('page.css')}</style></head><body>",
        _header(findings, [name for name, _ in shown], messages),
        "<main>",
        _tiles(findings, messages),
        *(printable(_section(name, body, messages)) for name, body in shown),
        "</main>",
        f"<footer><p>{escape(messages('footer'))}</p></footer>",
        '<div id="tooltip" role="status" hidden></div>',
        f'<script id="content" type="application/json">{json_for_script(content)}</script>',
        f"<script>{script}</script>",
        f"<script>{_resource('interactive.js')}</script>",
        "</body></html>",
    ]
    return "\n".join(parts)


def page_figures(findings: Findings, messages: Messages) -> dict[str, figures.Figure]:
    """Return the figures of a page by name, in the order of the page."""
    manifest, evaluation, predicted = findings.manifest, findings.evaluation, findings.predicted
    drawn: dict[str, figures.Figure] = {}
    if findings.cumulative is not None:
        needed = manifest["components"]["components_for_variance"]
        drawn["scree"] = figures.scree(findings.cumulative, needed, manifest["components"]["kept"], messages)
    if predicted is not None:
        drawn["certainty"] = figures.certainty(predicted.bins, messages)
    if sections.has_plane(findings):
        chosen = first_chosen(findings)
        kinds = figures.kinds(findings.photos, sections.taken(findings))
        drawn["scatter"] = figures.scatter(findings.photos, kinds, chosen, messages)
    drawn["stages"] = figures.stages(figures.by_clock(manifest["seconds"]), messages("stages"), messages)
    drawn["tasks"] = figures.stages(figures.of_tasks(manifest["seconds"]), messages("task_stages"), messages)
    if evaluation is not None:
        drawn |= heat_map.heat_maps(evaluation, messages)
    tested = {"fold_calibration": findings.folds, "calibration": evaluation.metrics if evaluation is not None else None}
    drawn |= {
        name: calibration.reliability_figure(metrics["calibration"], messages)
        for name, metrics in tested.items()
        if metrics is not None and metrics.get("calibration") is not None
    }
    return drawn


def json_for_script(content: object) -> str:
    """Return JSON that is safe between script tags: nothing in it can end them."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def first_chosen(findings: Findings) -> list[str | None]:
    """Return the labels that have a colour at first: all if they are few, else the most confused, then some others."""
    table = figures.label_table(findings.photos)
    if len(table) <= figures.COLOURS:
        return table
    confusions = [] if findings.evaluation is None else findings.evaluation.confusions()
    spread = [table[place] for place in np.linspace(0, len(table) - 1, figures.COLOURS).astype(int)]
    first = dict.fromkeys([label for true, predicted, *_ in confusions for label in (true, predicted)] + spread)
    return [label for label in first if label in table][: figures.COLOURS]


def _scatter_content(findings: Findings, thumbnails: Mapping[str, str], messages: Messages) -> dict[str, Any]:
    photos, taken = findings.photos, sections.taken(findings)
    table = figures.label_table(photos)
    place = {label: number for number, label in enumerate(table)}
    return {
        "labels": [label if label is not None else messages("no_label") for label in table],
        "of": [place[label] for label in photos.labels],
        "kinds": [messages("train"), messages("test"), messages("test"), ""],
        "taken": {
            number: messages("taken_for", label=taken[path])
            for number, (path, label) in enumerate(zip(photos.paths, photos.labels, strict=True))
            if taken.get(path, label) != label
        },
        "names": [markup.short_name(path) for path in photos.paths],
        "thumbnails": {number: thumbnails[path] for number, path in enumerate(photos.paths) if path in thumbnails},
        # For photos without a thumbnail too, but only photos that have one.
        "like": likeness.nearest(photos.components, [n for n, path in enumerate(photos.paths) if path in thumbnails]),
    }


def _title(findings: Findings, messages: Messages) -> str:
    return messages("prediction_title" if "fitted" in findings.manifest else "title")


def _header(findings: Findings, names: Sequence[str], messages: Messages) -> str:
    manifest, arguments = findings.manifest, findings.manifest["arguments"]
    links = "".join(f'<a href="#{name}">{escape(messages(name))}</a>' for name in names)
    untrained = manifest["backbone"] is not None and manifest["backbone"]["untrained"]
    warning = f'<p class="warning">{escape(messages("untrained"))}</p>' if untrained else ""
    where, when = arguments["images"] or arguments["image_list"], sections.moment(manifest["finished"])
    return (
        f"<header><h1>{escape(_title(findings, messages))}</h1>"
        f'<p class="soft">{escape(where)} · {escape(when)}</p>'
        f"<nav>{links}</nav>{warning}"
        f"<noscript><p class='warning'>{escape(messages('no_script'))}</p></noscript></header>"
    )


def _tiles(findings: Findings, messages: Messages) -> str:
    manifest = findings.manifest
    counts, kept = manifest["counts"], manifest["components"]
    tiles = [
        (
            messages.number(counts["used"]),
            messages("photos_used"),
            messages("of_found", found=messages.number(counts["found"])),
        ),
        (messages.number(sections.rate(manifest)), messages("photos_a_second"), messages("features_stage")),
        (
            messages.number(kept["kept"]),
            messages("components_kept"),
            messages("of_the_variance", share=messages.share(kept["variance_kept"], 1)),
        ),
    ]
    if findings.evaluation is not None:
        photos = findings.evaluation.photos
        right = messages.number(photos - findings.evaluation.wrong)
        tiles.append(
            (
                messages.share(findings.evaluation.metrics["accuracy"], 1),
                messages("accuracy"),
                messages("on_test_photos", right=right, photos=messages.number(photos)),
            )
        )
    if findings.predicted is not None:
        share = messages.share(UNCERTAIN)
        tiles.append(
            (messages.number(findings.predicted.uncertain), messages("uncertain"), messages("below", share=share))
        )
    if findings.folds is not None:
        accuracy = findings.folds["accuracy"]
        spread = messages("folds_spread", std=markup.share(accuracy["std"], messages, 1))
        tiles.append((markup.share(accuracy["mean"], messages, 1), messages("folds_accuracy"), spread))
    tiles.append((messages.number(counts["rejected"]), messages("photos_rejected"), ""))
    drawn = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span>'
        f'<span class="soft">{escape(more)}</span></div>'
        for value, name, more in tiles
    )
    return f'<div class="tiles">{drawn}{cost.tile(messages)}</div>'


def _sections(
    findings: Findings, thumbnails: Mapping[str, str], previews: Mapping[str, str], messages: Messages
) -> Iterable[tuple[str, str]]:
    """Yield the name and the HTML of each section that there is something to show in."""
    yield "run", sections.run(findings, messages)
    if findings.cumulative is not None:
        yield "labels", sections.labels(findings, messages)
        yield "variance", sections.variance(findings, findings.cumulative, messages)
    if findings.predicted is not None:
        yield "predictions", sections.predictions(findings.predicted, thumbnails, messages)
    if findings.objects is not None:
        yield "objects", objects.section(findings.objects, previews, messages)
    yield "scatter", sections.scatter(findings, thumbnails, messages)
    if findings.compared is not None:
        yield "compared", cross_validation.comparison(findings.compared, messages)
    if findings.folds is not None:
        grouped = findings.manifest["arguments"].get("group_pattern") is not None
        yield "folds", cross_validation.section(findings.folds, grouped, messages)
    if findings.evaluation is not None:
        yield "classifier", sections.classifier(findings.evaluation, messages)
        yield "mistakes", sections.mistakes(findings.evaluation, thumbnails, messages)
    if findings.checked is not None:
        yield "quality", checked.section(findings.checked, thumbnails, messages)
    yield "rejected", sections.rejected(findings, messages)
    yield "time", sections.time(findings, messages)


def _section(name: str, body: str, messages: Messages) -> str:
    return f'<section id="{name}"><h2>{escape(messages(name))}</h2>{body}</section>'


def _resource(name: str) -> str:
    return files("job.report").joinpath(name).read_text(encoding="utf-8")
