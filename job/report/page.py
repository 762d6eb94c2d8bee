"""Writes findings as one HTML page: text and tables as they are, figures for Vega-Lite to draw.

Everything that comes from a run (labels, paths, reasons) passes through ``escape`` or ``json_for_script``.
"""

import json
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from job.report import cost, figures, heat_map, sections
from job.report.findings import Findings
from job.report.messages import Words

FORBID_NETWORK = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"
)
"""The browser itself keeps the page from loading anything. Vega compiles its expressions, which needs 'unsafe-eval'."""


def render(findings: Findings, thumbnails: Mapping[str, str], words: Words, script: str) -> str:
    """Return the whole page.

    Parameters
    ----------
    findings
        What is shown.
    thumbnails
        Data URIs by a photo's path; photos without one are shown without.
    words
        The language.
    script
        JavaScript that defines ``vegaEmbed``.
    """
    drawn = page_figures(findings, words)
    content = {
        "figures": drawn,
        "locale": words.locale(),
        "notDrawn": words("not_drawn"),
        "readableLabels": heat_map.READABLE_LABELS,
        "scatter": _scatter_content(findings, thumbnails, words) if "scatter" in drawn else None,
    }
    title = f"{words('title')}: {findings.manifest['run_id']}"
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{words.language}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{FORBID_NETWORK}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # A browser would otherwise ask for a favicon.
        '<link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title><style>{_resource('page.css')}</style></head><body>",
        _header(findings, words),
        "<main>",
        _tiles(findings, words),
        *(_section(name, body, words) for name, body in _sections(findings, thumbnails, words)),
        "</main>",
        f"<footer><p>{escape(words('footer'))}</p></footer>",
        '<div id="tooltip" role="status" hidden></div>',
        f'<script id="content" type="application/json">{json_for_script(content)}</script>',
        f"<script>{script}</script>",
        f"<script>{_resource('page.js')}</script>",
        "</body></html>",
    ]
    return "\n".join(parts)


def page_figures(findings: Findings, words: Words) -> dict[str, figures.Figure]:
    """Return the figures of a page by name, in the order in which they stand."""
    manifest, evaluation = findings.manifest, findings.evaluation
    drawn = {
        "labels": figures.label_counts(sections.shown_labels(manifest["labels"]), words),
        "scree": figures.scree(findings.cumulative, manifest["components"]["needed"], words),
    }
    if sections.has_plane(findings):
        chosen = first_chosen(findings)
        drawn["scatter"] = figures.scatter(findings.photos, chosen, words)
    drawn["stages"] = figures.stages(figures.by_clock(manifest["seconds"]), words("stages"), words)
    drawn["tasks"] = figures.stages(figures.of_tasks(manifest["seconds"]), words("task_stages"), words)
    if evaluation is not None:
        drawn |= heat_map.heat_maps(evaluation, words)
    return drawn


def json_for_script(content: object) -> str:
    """Return JSON that may stand between script tags: nothing in it can end them."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def first_chosen(findings: Findings) -> list[str | None]:
    """Return the labels that have a colour at first: all of them if they are few, else some evenly spread."""
    table = figures.label_table(findings.photos)
    if len(table) <= figures.COLOURS:
        return table
    return [table[place] for place in np.linspace(0, len(table) - 1, figures.COLOURS).astype(int)]


def _scatter_content(findings: Findings, thumbnails: Mapping[str, str], words: Words) -> dict[str, Any]:
    photos = findings.photos
    table = figures.label_table(photos)
    place = {label: number for number, label in enumerate(table)}
    return {
        "labels": [label if label is not None else words("no_label") for label in table],
        "of": [place[label] for label in photos.labels],
        "names": [sections.short_name(path) for path in photos.paths],
        "thumbnails": {number: thumbnails[path] for number, path in enumerate(photos.paths) if path in thumbnails},
    }


def _header(findings: Findings, words: Words) -> str:
    manifest, arguments = findings.manifest, findings.manifest["arguments"]
    links = "".join(f'<a href="#{name}">{escape(words(name))}</a>' for name in _section_names(findings))
    untrained = manifest["backbone"] is not None and manifest["backbone"]["untrained"]
    warning = f'<p class="warning">{escape(words("untrained"))}</p>' if untrained else ""
    where, when = arguments["images"] or arguments["image_list"], sections.moment(manifest["finished"])
    return (
        f"<header><h1>{escape(words('title'))}</h1>"
        f'<p class="soft">{escape(where)} · {escape(when)}</p>'
        f"<nav>{links}</nav>{warning}<noscript><p class='warning'>{escape(words('no_script'))}</p></noscript></header>"
    )


def _tiles(findings: Findings, words: Words) -> str:
    manifest = findings.manifest
    counts, kept = manifest["counts"], manifest["components"]
    tiles = [
        (words.number(counts["used"]), words("photos_used"), words("of_found", found=words.number(counts["found"]))),
        (words.number(sections.rate(manifest)), words("photos_a_second"), words("features_stage")),
        (
            words.number(kept["kept"]),
            words("components_kept"),
            words("of_the_variance", share=words.share(kept["variance_kept"], 1)),
        ),
    ]
    if findings.evaluation is not None:
        photos = int(findings.evaluation.confusion.sum())
        right = words.number(photos - findings.evaluation.wrong)
        tiles.append(
            (
                words.share(findings.evaluation.metrics["accuracy"], 1),
                words("accuracy"),
                words("on_test_photos", right=right, photos=words.number(photos)),
            )
        )
    tiles.append((words.number(counts["rejected"]), words("photos_rejected"), ""))
    drawn = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span>'
        f'<span class="soft">{escape(more)}</span></div>'
        for value, name, more in tiles
    )
    return f'<div class="tiles">{drawn}{cost.tile(words)}</div>'


def _section_names(findings: Findings) -> list[str]:
    names = ["run", "labels", "variance", "scatter", "time"]
    return [*names, *(["classifier", "mistakes"] if findings.evaluation is not None else []), "rejected"]


def _sections(findings: Findings, thumbnails: Mapping[str, str], words: Words) -> Iterable[tuple[str, str]]:
    yield "run", sections.run(findings, words)
    yield "labels", sections.labels(findings, words)
    yield "variance", sections.variance(findings, words)
    yield "scatter", sections.scatter(findings, thumbnails, words)
    yield "time", sections.time(findings, words)
    if findings.evaluation is not None:
        yield "classifier", sections.classifier(findings.evaluation, words)
        yield "mistakes", sections.mistakes(findings.evaluation, thumbnails, words)
    yield "rejected", sections.rejected(findings, words)


def _section(name: str, body: str, words: Words) -> str:
    return f'<section id="{name}"><h2>{escape(words(name))}</h2>{body}</section>'


def _resource(name: str) -> str:
    return files("job.report").joinpath(name).read_text(encoding="utf-8")
