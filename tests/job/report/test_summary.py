"""Tests of job/report/summary.py: what a run and a prediction print at their end."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from job.report.summary import summary
from job.results import layout
from tests.error_report import values


def manifest(reasons: Sequence[tuple[str, int, str]] = (), **entries: Any) -> dict[str, Any]:
    """Return a manifest of 10 photos, some of them rejected: a reason, a number of photos and an example each."""
    rejected = sum(photos for _, photos, _ in reasons)
    return {
        "counts": {"found": 10, "used": 10 - rejected, "rejected": rejected},
        "resumed": None,
        "seconds": {"features": 0.5},
        "components": {"kept": 3, "variance_kept": 0.9, "components_for_variance": {"0.8": 2}},
        "classifier": None,
        "predicted": {},
        "reasons": [dict(zip(("reason", "photos", "example"), entry, strict=True)) for entry in reasons],
        "files": {},
        **entries,
    }


def test_run_without_rejected_photos_says_what_it_kept() -> None:
    *numbers, results = summary(manifest(), "out").splitlines()

    assert list(map(values, numbers)) == [["10", "10", "0"], ["20"], ["3", "90.00%", "80%", "2"]]
    assert results.endswith(": out")


def test_rejected_photos_are_counted_by_reason() -> None:
    reasons = [
        ("damaged: 22 bytes", 2, "/3.jpg"),
        ("empty", 1, "/1.jpg"),
        ("large", 1, "/2.jpg"),
        ("link", 2, "/4.jpg"),
    ]

    lines = summary(manifest(reasons), "out").splitlines()

    assert lines[1:6] == [
        "  2: damaged: 22 bytes, e.g. /3.jpg",
        "  1: empty, e.g. /1.jpg",
        "  1: large, e.g. /2.jpg",
        "  2 for other reasons",
        "Rejected photos: out/rejected.csv",
    ]


def test_says_no_rate_if_all_features_are_reused() -> None:
    resumed = {"reused": 10, "computed": 0, "removed": 0}

    text = summary(manifest(resumed=resumed), "out")

    assert "10 photos reused" in text
    assert "a second" not in text


@pytest.mark.parametrize("tested", [None, 0.75])
def test_prediction_says_nothing_of_the_earlier_accuracy(tested: float | None) -> None:
    classifier = {"kind": "logistic", "accuracy": tested, "macro_f1": tested, "labels": 7, "trained_on": 40}
    files = {"tables": [{"path": layout.PREDICTIONS_TABLE, "rows": 10, "bytes": 1}]}
    predicted = dict(zip("abcdefg", (5, 4, 3, 2, 1, 1, 1), strict=True))

    text = summary(
        manifest(classifier=classifier, files=files, predicted=predicted, fitted={"results": "/results/first"}),
        "results/second",
    )

    assert list(map(values, text.splitlines())) == [
        ["10", "10", "0"],
        ["20"],
        ["5", "4", "3", "2", "1", "2"],
        ["results/second"],
        ["results/second/predictions.csv"],
    ]
    assert re.findall(r"([a-g]) \((\d)\)", text) == [("a", "5"), ("b", "4"), ("c", "3"), ("d", "2"), ("e", "1")]


def test_run_that_rejects_says_how_many_are_unknown() -> None:
    unknown = {"distance_limit": 4.5, "reject_below": 0.5, "photos": 2, "accuracy": 0.875}
    classifier = {"kind": "logistic", "accuracy": 0.8, "macro_f1": 0.75, "labels": 7, "trained_on": 40}

    text = summary(manifest(classifier={**classifier, "evaluated_on": 10, "unknown": unknown}), "out")

    assert "Unknown: 2 of 10 test photos; 87.50% of the others right." in text.splitlines()


def test_prediction_without_a_classifier_says_so() -> None:
    assert "/results/first" in summary(manifest(fitted={"results": "/results/first"}), "out")
