"""The text that a run or a prediction prints at its end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from job import storage
from job.classifiers import COMPONENTS
from job.features import extraction_seconds
from job.quality.sentences import sentences
from job.results import layout

REASONS_SHOWN = 3
LABELS_SHOWN = 5


def summary(manifest: dict[str, Any], output: str) -> str:
    """Return what to print of a finished run or prediction whose results are in ``output``."""
    lines = list(_photo_lines(manifest, output))
    if "fitted" not in manifest:
        lines += _fit_lines(manifest["components"], manifest.get("classifier"))
        lines += sentences(manifest["quality"]) if "quality" in manifest else []
    elif manifest.get("classifier") is None:
        lines.append(f"{manifest['fitted']['results']} has no classifier: only components were computed.")
    if manifest.get("predicted"):
        lines.append(f"Predicted labels: {_frequent(manifest['predicted'])}.")
    lines.append(f"Results: {output}")
    written = layout.listed_files(manifest)
    names = {"Predictions": layout.PREDICTIONS_TABLE, "Photos to check": layout.QUALITY_TABLE, "Report": layout.REPORT}
    lines += [f"{what}: {storage.join(output, name)}" for what, name in names.items() if name in written]
    return "\n".join(lines) + "\n"


def _photo_lines(manifest: dict[str, Any], output: str) -> Iterator[str]:
    counts = manifest["counts"]
    resumed = manifest.get("resumed") or {"reused": 0, "computed": counts["found"]}
    yield f"{counts['used']:,} of {counts['found']:,} photos used, {counts['rejected']:,} rejected."
    yield from _rejected_lines(manifest.get("reasons", []), output)
    if resumed["reused"]:
        yield f"{resumed['reused']:,} photos reused from an earlier run."
    if resumed["computed"]:
        rate = resumed["computed"] / extraction_seconds(manifest["seconds"])
        yield f"Features at {rate:,.0f} photos a second."


def _rejected_lines(reasons: Sequence[Mapping[str, Any]], output: str) -> Iterator[str]:
    """Yield the most frequent reasons, each with a count and an example, and the file with all of them."""
    for entry in reasons[:REASONS_SHOWN]:
        yield f"  {entry['photos']:,}: {entry['reason']}, e.g. {entry['example']}"
    if len(reasons) > REASONS_SHOWN:
        yield f"  {sum(entry['photos'] for entry in reasons[REASONS_SHOWN:]):,} for other reasons"
    if reasons:
        yield f"Rejected photos: {storage.join(output, layout.REJECTED_TABLE)}"


def _fit_lines(components: dict[str, Any], classifier: dict[str, Any] | None) -> Iterator[str]:
    needed = ", ".join(
        f"{float(share):.0%} need {count}" for share, count in components["components_for_variance"].items()
    )
    kept = components["kept"]
    yield f"{kept} component{'s' if kept != 1 else ''} for {components['variance_kept']:.2%} of the variance; {needed}."
    if classifier is None:
        return
    kind = f"{classifier['kind']} on {classifier.get('classify_on', COMPONENTS)}"
    trained = f"Classifier {kind}: {classifier['labels']} labels, {classifier['trained_on']:,} photos"
    if classifier["accuracy"] is None:
        yield f"{trained}; not tested."
        return
    accuracy, photos = classifier["accuracy"], classifier["evaluated_on"]
    yield f"{trained}; {accuracy:.2%} of {photos:,} test photos right, macro-F1 {classifier['macro_f1']:.3f}."
    yield from _unknown_lines(classifier.get("unknown"), photos)


def _unknown_lines(unknown: Mapping[str, Any] | None, photos: int) -> Iterator[str]:
    """Yield how many test photos are unknown, if the run rejects photos."""
    if unknown is not None and unknown["reject_below"] is not None:
        others = "" if unknown["accuracy"] is None else f"; {unknown['accuracy']:.2%} of the others right"
        yield f"Unknown: {unknown['photos']:,} of {photos:,} test photos{others}."


def _frequent(counts: Mapping[str, int]) -> str:
    shown = Counter(counts).most_common(LABELS_SHOWN)
    others = len(counts) - len(shown)
    text = ", ".join(f"{label} ({photos:,})" for label, photos in shown)
    return f"{text} and {others} more label{'s' if others != 1 else ''}" if others else text
