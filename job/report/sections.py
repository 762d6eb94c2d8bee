"""Writes the sections of the report's page: their text, their tables, and the places of their figures."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from job.features.extractor import extraction_seconds
from job.report import cost, figures, heat_map, markup
from job.report.findings import Evaluation, Findings
from job.report.messages import Words

ROUND_COUNTS = (2000, 1000, 800, 600, 400, 200, 100, 50, 20, 10, 5, 2, 1)
"""Components of the table of explained variance, those that there are."""

CONFUSIONS_SHOWN = 20
WEAKEST_SHOWN = 15
REASONS_SHOWN = 20
UNSEEN_SHOWN = 20


def run(findings: Findings, words: Words) -> str:
    """Say what ran and with what."""
    manifest = findings.manifest
    arguments, counts = manifest["arguments"], manifest["counts"]
    numbers = {split: words.number(counts[split]) for split in ("train", "test", "predict")}
    rows = [
        (words("images"), arguments["images"] or arguments["image_list"]),
        *((words(f"{name}_images"), arguments[name]) for name in ("test", "predict") if arguments.get(name)),
        (words("split"), words("split_counts", **numbers)),
        *_described_by(manifest, words),
        (words("standardised"), words("yes" if arguments["standardize"] else "no")),
        (words("started"), moment(manifest["started"])),
        (words("finished"), moment(manifest["finished"])),
        (words("run_id"), manifest["run_id"]),
    ]
    every = [
        *((f"--{name.replace('_', '-')}", _plain(value)) for name, value in arguments.items() if value is not None),
        *((name, str(version)) for name, version in manifest["versions"].items()),
    ]
    more = f"<details><summary>{escape(words('all_arguments'))}</summary>{markup.facts(every)}</details>"
    return markup.facts(rows, cost.fact(words)) + more


def _described_by(manifest: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    """Return the facts on what turned photos into numbers: a network, or visual words."""
    vocabulary, backbone = manifest.get("vocabulary"), manifest["backbone"]
    if vocabulary is not None:
        values = {name: str(vocabulary[name]) for name in ("words", "descriptor", "keypoints")}
        return [(words("visual_words"), words("visual_words_value", **values))]
    size = {name: str(backbone[name]) for name in ("name", "width", "height")}
    return [
        (words("network"), words("network_value", **size, features=words.number(backbone["features"]))),
        (words("weights"), short_weights(backbone["weights"])),
    ]


def labels(findings: Findings, words: Words) -> str:
    """Show the photos a label."""
    by_split = findings.manifest["labels"]
    labels = len({label for counts in by_split.values() for label in counts})
    half = words.number(figures.LABELS_SHOWN // 2)
    cut = labels > figures.LABELS_SHOWN
    note = words("labels_cut" if cut else "labels_note", labels=words.number(labels), most=half, least=half)
    return markup.note(note) + markup.figure("labels", words("labels"), "scroll tall")


def variance(findings: Findings, words: Words) -> str:
    """Show the explained variance, as a curve and as two tables."""
    described, cumulative = findings.manifest["components"], findings.cumulative
    needed = described["components_for_variance"]
    note = words("variance_note", available=words.number(described["available"]))
    end = figures.curve_end(cumulative, needed)
    if end < len(cumulative):
        note += " " + words("curve_cut", shown=words.number(end))
    wanted = [(words.share(float(share)), words.number(count)) for share, count in needed.items()]
    round_counts = [count for count in ROUND_COUNTS if count <= len(cumulative)]
    kept = [(words.number(count), words.share(float(cumulative[count - 1]), 1)) for count in round_counts]
    return (
        markup.note(note)
        + markup.figure("scree", words("variance"))
        + '<div class="columns">'
        + markup.table([words("share"), words("components_needed")], wanted, numbers=(0, 1))
        + markup.table([words("components"), words("share")], kept, numbers=(0, 1))
        + "</div>"
    )


def scatter(findings: Findings, thumbnails: Mapping[str, str], words: Words) -> str:
    """Show the plane of two components, and what chooses them and the labels."""
    photos = findings.photos
    if not has_plane(findings):
        return markup.note(words("one_component"))
    shown = len(photos.paths)
    note = words(
        "scatter_note" if shown < photos.total else "scatter_all_note",
        shown=words.number(shown),
        total=words.number(photos.total),
        thumbnails=words.number(sum(path in thumbnails for path in photos.paths)),
    )
    count = photos.components.shape[1]
    selects = "".join(
        f'<label>{escape(words(axis))}<select id="{axis}">{_component_options(count, first, words)}</select></label>'
        for axis, first in (("across", 0), ("upwards", 1))
    )
    return (
        f"{markup.note(note)}{markup.note(words('scatter_help'))}"
        f'<div class="controls">{selects}</div>{markup.figure("scatter", words("scatter"))}'
        f'<div class="controls"><label>{escape(words("find_label"))}'
        f'<input id="find-label" type="search" autocomplete="off"></label>'
        f'<button id="no-labels" type="button">{escape(words("none"))}</button></div>'
        f'<div id="chips" class="chips" role="group" aria-label="{escape(words("label"))}"></div>'
    )


def time(findings: Findings, words: Words) -> str:
    """Show where the time went."""
    manifest = findings.manifest
    note = words(
        "rate_note",
        rate=words.number(rate(manifest), 1),
        photos=words.number(computed(manifest)),
        seconds=words.number(extraction_seconds(manifest["seconds"]), 1),
    )
    drawn = "".join(
        f"<div><h3>{escape(words(title))}</h3>{markup.figure(name, words(title))}</div>"
        for name, title in (("stages", "stages"), ("tasks", "task_stages"))
    )
    seconds = [(words.stage(name), words.number(value, 1)) for name, value in manifest["seconds"].items()]
    table = markup.table([words("stage"), words("seconds")], seconds, numbers=(1,))
    return (
        f'{markup.note(note)}<div class="columns">{drawn}</div>'
        f"<details><summary>{escape(words('seconds'))}</summary>{table}</details>"
    )


def classifier(evaluation: Evaluation, words: Words) -> str:
    """Show how well the classifier did."""
    metrics = evaluation.metrics
    note = words(
        "classifier_note",
        kind=words.classifier(metrics["classifier"]),
        trained=words.number(metrics["trained_on"]),
        accuracy=_share(metrics["accuracy"], words, 2),
        macro=_share(metrics["macro_f1"], words, 2),
    )
    body = [markup.note(note)]
    if metrics["unseen_labels"]:
        unseen = [entry["label"] for entry in metrics["unseen_labels"]]
        more = ", ..." if len(unseen) > UNSEEN_SHOWN else ""
        body.append(markup.note(words("unseen", labels=", ".join(unseen[:UNSEEN_SHOWN]) + more)))
    confusions = evaluation.confusions()
    body.append(f"<h3>{escape(words('confusion'))}</h3>")
    drawn = heat_map.heat_maps(evaluation, words)
    if "confusion" in drawn:
        body += [markup.note(words("confusion_note")), markup.figure("confusion", words("confusion"), "scroll")]
    else:
        body.append(markup.note(words("too_many_labels", labels=words.number(len(evaluation.true_labels)))))
    if "focus" in drawn:
        title = words("focus", labels=words.number(drawn["focus"]["usermeta"]["rows"]))
        body += [f"<h3>{escape(title)}</h3>", markup.figure("focus", title, "scroll")]
    if confusions:
        body.append(f"<h3>{escape(words('confusions'))}</h3>")
        shown = [
            (true, predicted, words("of_photos", count=words.number(count), photos=words.number(photos)))
            for true, predicted, count, photos in confusions[:CONFUSIONS_SHOWN]
        ]
        body.append(markup.table([words("true_label"), words("predicted"), words("photos")], shown, numbers=(2,)))
    weakest = sorted(
        (entry for entry in metrics["per_label"] if entry["f1"] is not None and entry["f1"] < 1),
        key=lambda entry: (entry["f1"], entry["label"]),
    )
    if weakest:
        body.append(f"<h3>{escape(words('weakest'))}</h3>")
        names = ("f1", "precision", "recall")
        listed = [
            (entry["label"], *(_share(entry[name], words, 1) for name in names), words.number(entry["photos"]))
            for entry in weakest[:WEAKEST_SHOWN]
        ]
        heads = [words("label"), *(words(name) for name in names), words("photos")]
        body.append(markup.table(heads, listed, numbers=(1, 2, 3, 4)))
    return "".join(body)


def mistakes(evaluation: Evaluation, thumbnails: Mapping[str, str], words: Words) -> str:
    """Show the worst-classified photos."""
    if not evaluation.mistakes:
        return markup.note(words("no_mistakes"))
    note = words(
        "mistakes_note",
        wrong=words.number(evaluation.wrong),
        photos=words.number(int(evaluation.confusion.sum())),
        shown=words.number(len(evaluation.mistakes)),
    )
    missing = f'<div class="photo missing">{escape(words("no_thumbnail"))}</div>'
    cards = [
        '<div class="card">'
        + (
            f'<div class="photo"><img src="{escape(thumbnails[mistake.path])}" alt="{escape(mistake.label)}"></div>'
            if mistake.path in thumbnails
            else missing
        )
        + f"<div><b>{escape(mistake.label)}</b><br>"
        + escape(words("taken_for", label=mistake.predicted))
        + f', <span class="sure">{escape(words("sure", share=words.share(mistake.probability)))}</span>'
        + f"<small>{escape(name_beside(mistake.path, mistake.label))}</small></div></div>"
        for mistake in evaluation.mistakes
    ]
    return f'{markup.note(note)}<div class="cards">{"".join(cards)}</div>'


def rejected(findings: Findings, words: Words) -> str:
    """Say which photos were rejected, and why."""
    rejected = findings.rejected
    if rejected.total == 0:
        return markup.note(words("none_rejected"))
    found = words.number(findings.manifest["counts"]["found"])
    reasons = [(reason, words.number(count)) for reason, count in rejected.reasons[:REASONS_SHOWN]]
    others = len(rejected.reasons) - len(reasons)
    body = [
        markup.note(words("rejected_note", rejected=words.number(rejected.total), found=found)),
        markup.table([words("reason"), words("photos")], reasons, numbers=(1,)),
        markup.note(words("reasons_cut", others=words.number(others))) if others else "",
        f"<details><summary>{escape(words('first_shown', shown=words.number(len(rejected.examples))))}</summary>",
        markup.table([words("photo"), words("reason")], rejected.examples),
        "</details>",
    ]
    return "".join(body)


def shown_labels(by_split: Mapping[str, Mapping[str, int]]) -> list[tuple[str, dict[str, int]]]:
    """Return labels with their photos by split, the largest first; of many, both ends."""
    splits = [split for split, counts in by_split.items() if counts]
    labels = {label for split in splits for label in by_split[split]}
    counts = {label: {split: by_split[split].get(label, 0) for split in splits} for label in labels}
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    if len(ordered) <= figures.LABELS_SHOWN:
        return ordered
    half = figures.LABELS_SHOWN // 2
    return ordered[:half] + ordered[-half:]


def moment(time: str) -> str:
    """Return a manifest's time as a person writes it; what has another form stays."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z$", r"\1 \2 UTC", time)


def short_name(path: str) -> str:
    """Return a photo's name with the folder that it is in."""
    return "/".join(path.split("/")[-2:])


def name_beside(path: str, label: str) -> str:
    """Return a photo's name for where its label stands already: with its folder only if that is another."""
    folder, _, name = short_name(path).rpartition("/")
    return name if folder == label else short_name(path)


def short_weights(weights: str) -> str:
    """Return what the weights are, with no more of a long digest than tells it from others."""
    return re.sub(r"([0-9a-f]{16})[0-9a-f]{48}", r"\1…", weights)


def computed(manifest: Mapping[str, Any]) -> int:
    """Return how many photos a run has looked at itself: all that it found, but for those taken over."""
    return int((manifest.get("resumed") or {"computed": manifest["counts"]["found"]})["computed"])


def rate(manifest: Mapping[str, Any]) -> float:
    """Return how many photos a second the stage of the features took in."""
    return float(computed(manifest) / max(extraction_seconds(manifest["seconds"]), 1e-3))


def _component_options(count: int, selected: int, words: Words) -> str:
    return "".join(
        f'<option value="{number}"{" selected" if number == selected else ""}>'
        f"{escape(words('component', number=str(number + 1)))}</option>"
        for number in range(count)
    )


def _share(value: float | None, words: Words, digits: int) -> str:
    return "–" if value is None else words.share(value, digits)


def _plain(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def has_plane(findings: Findings) -> bool:
    """Return whether there are two components to draw."""
    return findings.photos.components.ndim == 2 and findings.photos.components.shape[1] >= 2
