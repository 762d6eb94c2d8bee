"""Write the photos of each label as bars in columns, so that many labels are seen at once."""

from collections.abc import Mapping, Sequence
from html import escape

from job.report import markup
from job.report.messages import Messages

LABELS_SHOWN = 120
"""Labels that have a bar."""


def bars(counts: Sequence[tuple[str, Mapping[str, int]]], title: str, messages: Messages) -> str:
    """Return bars of the photos a label has, with a key if there are several splits.

    ``counts``: labels with their photos by split, in the order of the bars.
    """
    splits = list(dict.fromkeys(split for _, by_split in counts for split in by_split))
    longest = max((sum(by_split.values()) for _, by_split in counts), default=1)
    numbers = [" + ".join(messages.number(photos) for photos in by_split.values()) for _, by_split in counts]
    rows = "".join(
        _bar(label, by_split, longest, number) for (label, by_split), number in zip(counts, numbers, strict=True)
    )
    # Equally wide numbers leave equally much room for the bars.
    width = max(map(len, numbers), default=0)
    body = f'<ol class="bars" style="--numbers:{width}ch">{rows}</ol>'
    key = markup.key([(f"of-{split}", messages(split)) for split in splits]) if len(splits) > 1 else ""
    return key + markup.scrolling(body, title, "scroll bars-box")


def shown_labels(by_split: Mapping[str, Mapping[str, int]]) -> list[tuple[str, dict[str, int]]]:
    """Return labels with their photos by split, the largest first; of many, both ends."""
    splits = [split for split, counts in by_split.items() if counts]
    labels = {label for split in splits for label in by_split[split]}
    counts = {label: {split: by_split[split].get(label, 0) for split in splits} for label in labels}
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), markup.natural(item[0])))
    if len(ordered) <= LABELS_SHOWN:
        return ordered
    half = LABELS_SHOWN // 2
    return ordered[:half] + ordered[-half:]


def _bar(label: str, by_split: Mapping[str, int], longest: int, numbers: str) -> str:
    parts = "".join(
        f'<i class="of-{split}" style="width:{100 * photos / longest:.1f}%"></i>' for split, photos in by_split.items()
    )
    return f"<li><span>{escape(label)}</span><span>{parts}</span><span>{numbers}</span></li>"
