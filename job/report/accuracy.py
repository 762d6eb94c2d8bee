"""Write how good an accuracy is: compared with a guess and with the training photos, and for every label."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from job.report import markup
from job.report.messages import Messages

TOP = (3, 5)
"""How many of the most probable labels may hold the right one."""


def facts(metrics: Mapping[str, Any], top: Mapping[int, float], messages: Messages) -> str:
    """Show the accuracy of test and training photos, and of a guess; results of earlier versions have fewer.

    ``top``: the share of test photos whose label is among the most probable ones, by their number.
    """
    rows = [(messages("test_accuracy"), markup.share(metrics["accuracy"], messages, 1))]
    if metrics.get("accuracy_interval"):
        low, high = (markup.share(bound, messages, 1) for bound in metrics["accuracy_interval"])
        rows.append((messages("accuracy_interval"), messages("from_to", low=low, high=high)))
    rows += [(messages("top_accuracy", count=messages.number(n)), markup.share(top[n], messages, 1)) for n in top]
    rows += [
        (messages(name), markup.share(metrics[name], messages, 1))
        for name in ("training_accuracy", "majority_accuracy")
        if metrics.get(name) is not None
    ]
    return markup.facts(rows)


def top_shares(ranks: Mapping[int, int], labels: int) -> dict[int, float]:
    """Return the share of photos whose label is among the most probable ones, for each of ``TOP`` below ``labels``.

    ``ranks``: photos by the number of labels that are more probable than the right one.
    """
    photos = sum(ranks.values())
    counts = {most: sum(number for rank, number in ranks.items() if rank < most) for most in TOP if most < labels}
    return {most: count / photos for most, count in counts.items()} if photos else {}


def every_label(per_label: Sequence[Mapping[str, Any]], messages: Messages) -> str:
    """Show all labels in one table that a click on its head sorts; labels without a test photo have dashes."""
    ordered = sorted(per_label, key=lambda entry: markup.natural(entry["label"]))
    heads = ("label", "trained_on", "tested_on", "precision", "recall", "f1")
    rows = []
    for entry in ordered:
        counts = [entry.get("trained_on"), entry["photos"]]
        shares = [entry[name] if entry["photos"] else None for name in heads[3:]]
        shown = ["–" if count is None else messages.number(count) for count in counts]
        shown += [markup.share(value, messages, 1) for value in shares]
        cells = zip([*counts, *shares], shown, strict=True)
        rows.append(
            f"<tr><td>{escape(entry['label'])}</td>"
            + "".join(f'<td class="number" data-value="{json.dumps(value)}">{text}</td>' for value, text in cells)
            + "</tr>"
        )
    buttons = "".join(
        f'<th{" class=number" if column else ""}><button type="button">{escape(messages(name))}</button></th>'
        for column, name in enumerate(heads)
    )
    title = messages("every_label", labels=messages.number(len(ordered)))
    table = f'<table class="sortable"><thead><tr>{buttons}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f"<details><summary>{escape(title)}</summary>{markup.scrolling(table, title, 'scroll tall')}</details>"
