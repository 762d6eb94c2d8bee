"""Write the sections of the report's page: their text, their tables, and the places of their figures."""

import re
from collections.abc import Mapping, Set
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from job.classifiers import UNKNOWN
from job.features import extraction_seconds
from job.report import accuracy, calibration, cost, cross_validation, figures, heat_map, label_bars, markup
from job.report.findings import Evaluation, Findings
from job.report.messages import Messages
from job.report.predicted import UNCERTAIN, Predicted
from job.results import layout

ROUND_COUNTS = (2000, 1000, 800, 600, 400, 200, 100, 50, 20, 10, 5, 2, 1)
"""Components of the table of explained variance, those that there are."""

CONFUSIONS_SHOWN = 20
REASONS_SHOWN = 20


def run(findings: Findings, messages: Messages) -> str:
    """Say what ran and with what."""
    manifest = findings.manifest
    arguments, counts = manifest["arguments"], manifest["counts"]
    numbers = {split: messages.number(counts[split]) for split in ("train", "test", "predict")}
    fitted = manifest.get("fitted")
    rows = [
        (messages("images"), arguments["images"] or arguments["image_list"]),
        *((messages(f"{name}_images"), arguments[name]) for name in ("test", "predict") if arguments.get(name)),
        (messages("fitted"), fitted["results"]) if fitted else (messages("split"), messages("split_counts", **numbers)),
        *_described_by(manifest, messages),
        *([] if fitted else [(messages("standardised"), messages("yes" if arguments["standardize"] else "no"))]),
        (messages("started"), moment(manifest["started"])),
        (messages("finished"), moment(manifest["finished"])),
        (messages("run_id"), manifest["run_id"]),
    ]
    every = [
        *((f"--{name.replace('_', '-')}", _plain(value)) for name, value in arguments.items() if value is not None),
        *((name, str(version)) for name, version in manifest["versions"].items()),
    ]
    listed = layout.listed_files(manifest)
    files = [name for name in layout.WRITTEN_ONCE if name in listed]
    # The other files are parts of data sets, whose folders are named.
    folders = dict.fromkeys(f"{name.rpartition('/')[0]}/" for name in listed if "/part-" in name)
    links = "".join(f'<li><a href="{name}">{name}</a></li>' for name in [*files, *folders])
    more = f"<details><summary>{escape(messages('all_arguments'))}</summary>{markup.facts(every)}</details>"
    more += f"<details><summary>{escape(messages('files'))}</summary><ul>{links}</ul></details>" if links else ""
    return markup.facts(rows, cost.fact(messages)) + more


def _described_by(manifest: Mapping[str, Any], messages: Messages) -> list[tuple[str, str]]:
    """Return the facts on what turned photos into numbers: a network, or visual words."""
    vocabulary, backbone = manifest.get("vocabulary"), manifest["backbone"]
    if vocabulary is not None:
        values = {name: str(vocabulary[name]) for name in ("words", "descriptor", "keypoints")}
        return [(messages("visual_words"), messages("visual_words_value", **values))]
    size = {name: str(backbone[name]) for name in ("name", "width", "height")}
    facts = [
        (messages("network"), messages("network_value", **size, features=messages.number(backbone["features"]))),
        (messages("weights"), short_weights(backbone["weights"])),
    ]
    calibration = backbone.get("calibration")
    if calibration:
        photos, cosine = messages.number(calibration["photos"]), messages.number(calibration["mean_cosine"], 3)
        facts.append((messages("quantized"), messages("quantized_value", photos=photos, cosine=cosine)))
    return facts


def labels(findings: Findings, messages: Messages) -> str:
    """Show the photos a label."""
    by_split = findings.manifest["labels"]
    labels = len({label for counts in by_split.values() for label in counts})
    half = messages.number(label_bars.LABELS_SHOWN // 2)
    cut = labels > label_bars.LABELS_SHOWN
    note = messages("labels_cut" if cut else "labels_note", labels=messages.number(labels), most=half, least=half)
    return markup.note(note) + label_bars.bars(label_bars.shown_labels(by_split), messages("labels"), messages)


def variance(findings: Findings, cumulative: npt.NDArray[np.float64], messages: Messages) -> str:
    """Show the explained variance, as a curve and as two tables."""
    described = findings.manifest["components"]
    for_variance = described["components_for_variance"]
    note = messages("variance_note", available=messages.number(described["available"]))
    end = max(figures.curve_end(cumulative, for_variance), described["kept"])
    if end < len(cumulative):
        note += " " + messages("curve_cut", shown=messages.number(end))
    wanted = [(messages.share(float(share)), messages.number(count)) for share, count in for_variance.items()]
    round_counts = [count for count in ROUND_COUNTS if count <= len(cumulative)]
    kept = [(messages.number(count), messages.share(float(cumulative[count - 1]), 1)) for count in round_counts]
    return (
        markup.note(note)
        + markup.figure("scree", messages("variance"))
        + '<div class="columns">'
        + markup.table([messages("share"), messages("components_needed")], wanted, numbers=(0, 1))
        + markup.table([messages("components"), messages("share")], kept, numbers=(0, 1))
        + "</div>"
    )


def scatter(findings: Findings, thumbnails: Mapping[str, str], messages: Messages) -> str:
    """Show the plane of two components, and what chooses them and the labels."""
    photos = findings.photos
    if not has_plane(findings):
        return markup.note(messages("one_component"))
    shown = len(photos.paths)
    note = messages(
        "scatter_note" if shown < photos.total else "scatter_all_note",
        shown=messages.number(shown),
        total=messages.number(photos.total),
        thumbnails=messages.number(sum(path in thumbnails for path in photos.paths)),
    )
    if findings.predicted is not None and "fitted" in findings.manifest:
        note += " " + messages("scatter_predicted")
    kinds = set(figures.kinds(photos, taken(findings)))
    if figures.WRONG in kinds:
        note += " " + messages("scatter_rings")
    count = min(photos.components.shape[1], figures.COMPONENTS_SHOWN)
    selects = "".join(
        f"<label>{escape(messages(axis))}"
        f'<select id="{axis}">{_component_options(count, first, messages)}</select></label>'
        for axis, first in (("across", 0), ("upwards", 1))
    )
    if photos.plane is not None:
        note += " " + messages("map_note")
        options = "".join(f'<option value="{name}">{escape(messages(name))}</option>' for name in ("map", "components"))
        selects = f'<label>{escape(messages("plane"))}<select id="plane">{options}</select></label>' + selects
    if len(kinds) > 1:
        options = _kind_options(kinds, messages)
        selects += f'<label>{escape(messages("photos"))}<select id="shown-kinds">{options}</select></label>'
    return (
        f"{markup.note(note)}{markup.note(messages('scatter_help'))}"
        f'<div class="controls">{selects}</div>{markup.figure("scatter", messages("scatter"))}'
        f'<div id="like" hidden><h3>{escape(messages("like"))}</h3><div class="cards"></div></div>'
        f'<div class="controls"><label>{escape(messages("find_label"))}'
        f'<input id="find-label" type="search" autocomplete="off"></label>'
        f'<button id="no-labels" type="button">{escape(messages("none"))}</button></div>'
        f'<div id="chips" class="chips" role="group" aria-label="{escape(messages("label"))}"></div>'
    )


def time(findings: Findings, messages: Messages) -> str:
    """Show where the time went."""
    manifest = findings.manifest
    note = messages(
        "rate_note",
        rate=messages.number(rate(manifest), 1),
        photos=messages.number(computed(manifest)),
        seconds=messages.number(extraction_seconds(manifest["seconds"]), 1),
    )
    drawn = "".join(
        f"<div><h3>{escape(messages(title))}</h3>{markup.figure(name, messages(title))}</div>"
        for name, title in (("stages", "stages"), ("tasks", "task_stages"))
    )
    seconds = [(messages.stage(name), messages.number(value, 1)) for name, value in manifest["seconds"].items()]
    table = markup.table([messages("stage"), messages("seconds")], seconds, numbers=(1,))
    return (
        f'{markup.note(note)}<div class="columns">{drawn}</div>'
        f"<details><summary>{escape(messages('seconds'))}</summary>{table}</details>"
    )


def classifier(evaluation: Evaluation, messages: Messages) -> str:
    """Show how well the classifier did."""
    metrics = evaluation.metrics
    note = messages(
        "classifier_note",
        kind=messages.classifier(metrics["classifier"]),
        inputs=messages(f"on_{metrics.get('classify_on', 'components')}"),
        trained=messages.number(metrics["trained_on"]),
        accuracy=markup.share(metrics["accuracy"], messages, 2),
        macro=markup.share(metrics["macro_f1"], messages, 2),
    )
    top = accuracy.top_shares(evaluation.ranks, len(evaluation.labels))
    body = [markup.note(note), accuracy.facts(metrics, top, messages), calibration.unknown_note(metrics, messages)]
    if metrics["unseen_labels"]:
        unseen = markup.first([entry["label"] for entry in metrics["unseen_labels"]])
        body.append(markup.note(messages("unseen", labels=unseen)))
    confusions = evaluation.confusions()
    body.append(f"<h3>{escape(messages('confusion'))}</h3>")
    drawn = heat_map.heat_maps(evaluation, messages)
    if "confusion" in drawn:
        key = [(f"share-{name}", messages(f"key_{name}")) for name in ("right", "wrong")]
        body += [markup.note(messages("confusion_note")), markup.key(key)]
        body.append(markup.figure("confusion", messages("confusion"), "scroll"))
    else:
        body.append(markup.note(messages("too_many_labels", labels=messages.number(len(evaluation.true_labels)))))
    if "focus" in drawn:
        title = messages("focus", labels=messages.number(drawn["focus"]["usermeta"]["rows"]))
        body += [f"<h3>{escape(title)}</h3>", markup.figure("focus", title, "scroll")]
    if confusions:
        body.append(f"<h3>{escape(messages('confusions'))}</h3>")
        shown = [
            (true, predicted, messages("of_photos", count=messages.number(count), photos=messages.number(photos)))
            for true, predicted, count, photos in confusions[:CONFUSIONS_SHOWN]
        ]
        body.append(
            markup.table([messages("true_label"), messages("predicted"), messages("photos")], shown, numbers=(2,))
        )
    body.append(cross_validation.weakest_labels(metrics["per_label"], messages))
    body.append(accuracy.every_label(metrics["per_label"], messages))
    body.append(calibration.reliability(metrics, "calibration", messages))
    return "".join(body)


def mistakes(evaluation: Evaluation, thumbnails: Mapping[str, str], messages: Messages) -> str:
    """Show the worst-classified photos."""
    if not evaluation.mistakes:
        return markup.note(messages("no_mistakes"))
    note = messages(
        "mistakes_note",
        wrong=messages.number(evaluation.wrong),
        photos=messages.number(evaluation.photos),
        shown=messages.number(len(evaluation.mistakes)),
    )
    cards = [
        _card(
            mistake.path,
            mistake.label,
            escape(messages("taken_for", label=mistake.predicted))
            + f', <span class="sure">{escape(messages("sure", share=messages.share(mistake.probability)))}</span>',
            thumbnails,
            messages,
        )
        for mistake in evaluation.mistakes
    ]
    heads = [messages(name) for name in ("photo", "true_label", "predicted")]
    paths = markup.table(heads, [(mistake.path, mistake.label, mistake.predicted) for mistake in evaluation.mistakes])
    return (
        f'{markup.note(note)}<div class="cards">{"".join(cards)}</div>'
        f"<details><summary>{escape(messages('full_paths'))}</summary>{paths}</details>"
    )


def predictions(predicted: Predicted, thumbnails: Mapping[str, str], messages: Messages) -> str:
    """Show the labels that photos without one were given, how certainly, and the least certain photos."""
    note = messages(
        "predictions_note",
        photos=messages.number(predicted.photos),
        labels=messages.number(len(predicted.labels)),
        uncertain=messages.number(predicted.uncertain),
        share=messages.share(UNCERTAIN),
    )
    if UNKNOWN in predicted.labels:
        note += " " + messages("predictions_unknown", unknown=messages.number(predicted.labels[UNKNOWN]))
    cards = [
        _card(
            photo.path,
            photo.predicted,
            f'<span class="sure">{escape(messages.share(photo.probability))}</span><br>'
            + escape(messages("second", label=photo.second, share=messages.share(photo.second_probability))),
            thumbnails,
            messages,
        )
        for photo in predicted.least_certain
    ]
    return (
        markup.note(note)
        + label_bars.bars(label_bars.shown_labels({"predict": predicted.labels}), messages("predictions"), messages)
        + f"<h3>{escape(messages('certainty'))}</h3>"
        + markup.figure("certainty", messages("certainty"))
        + f'<h3>{escape(messages("least_certain"))}</h3><div class="cards">{"".join(cards)}</div>'
    )


def _card(path: str, label: str, more: str, thumbnails: Mapping[str, str], messages: Messages) -> str:
    """Return a photo with its label, and more HTML below it."""
    photo = markup.photo(thumbnails.get(path), label, messages)
    name = f'<small title="{escape(path)}">{escape(name_beside(path, label))}</small>'
    return f'<div class="card">{photo}<div><b>{escape(label)}</b><br>{more}{name}</div></div>'


def rejected(findings: Findings, messages: Messages) -> str:
    """Say which photos were rejected, and why."""
    rejected = findings.rejected
    if rejected.total == 0:
        return markup.note(messages("none_rejected"))
    found = messages.number(findings.manifest["counts"]["found"])
    reasons = [(reason, messages.number(count)) for reason, count in rejected.reasons[:REASONS_SHOWN]]
    others = len(rejected.reasons) - len(reasons)
    body = [
        markup.note(messages("rejected_note", rejected=messages.number(rejected.total), found=found)),
        markup.table([messages("reason"), messages("photos")], reasons, numbers=(1,)),
        markup.note(messages("reasons_cut", others=messages.number(others))) if others else "",
        f"<details><summary>{escape(messages('first_shown', shown=messages.number(len(rejected.examples))))}</summary>",
        markup.table([messages("photo"), messages("reason")], rejected.examples),
        "</details>",
    ]
    return "".join(body)


def moment(time: str) -> str:
    """Return a manifest's time in a readable form; text of another form stays."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z$", r"\1 \2 UTC", time)


def name_beside(path: str, label: str) -> str:
    """Return a photo's name to show with its label: with its folder only if that differs from the label."""
    folder, _, name = markup.short_name(path).rpartition("/")
    return name if folder == label else markup.short_name(path)


def short_weights(weights: str) -> str:
    """Return what the weights are, with no more of a long digest than tells it from others."""
    return re.sub(r"([0-9a-f]{16})[0-9a-f]{48}", r"\1…", weights)


def computed(manifest: Mapping[str, Any]) -> int:
    """Return how many photos a run has looked at itself: all that it found, except the reused ones."""
    return int((manifest.get("resumed") or {"computed": manifest["counts"]["found"]})["computed"])


def rate(manifest: Mapping[str, Any]) -> float:
    """Return how many photos a second the stage of the features took in."""
    return float(computed(manifest) / max(extraction_seconds(manifest["seconds"]), 1e-3))


def _component_options(count: int, selected: int, messages: Messages) -> str:
    return "".join(
        f'<option value="{number}"{" selected" if number == selected else ""}>'
        f"{escape(messages('component', number=str(number + 1)))}</option>"
        for number in range(count)
    )


def _kind_options(kinds: Set[int], messages: Messages) -> str:
    """Return the options that choose the photos of the scatter, each with a list of kinds as its value."""
    choices = [
        ("all_photos", kinds),
        ("train", {figures.FITTED}),
        ("test", {figures.RIGHT, figures.WRONG}),
        ("wrong_photos", {figures.WRONG}),
    ]
    return "".join(
        f'<option value="{sorted(chosen & kinds)}">{escape(messages(name))}</option>'
        for name, chosen in choices
        if chosen & kinds
    )


def taken(findings: Findings) -> Mapping[str, str]:
    """Return the predicted labels of the test photos in the sample, by path."""
    return {} if findings.evaluation is None else findings.evaluation.taken


def _plain(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def has_plane(findings: Findings) -> bool:
    """Return whether there are two components to draw."""
    return findings.photos.components.ndim == 2 and findings.photos.components.shape[1] >= 2
