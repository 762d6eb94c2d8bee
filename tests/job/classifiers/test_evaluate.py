"""Tests of job/classifiers/evaluate.py."""

from collections import Counter

import pytest

from job.classifiers import Pairs, evaluate

LABELS = ["apple", "kiwi", "pear", "plum"]


def pairs(counts: dict[tuple[str, str], int]) -> Pairs:
    return Counter(counts)


MIXED = pairs({("apple", "apple"): 3, ("apple", "kiwi"): 1, ("kiwi", "kiwi"): 2, ("zebra", "kiwi"): 2})


def test_photos_of_untrained_labels_count_as_wrong() -> None:
    evaluated = evaluate.evaluate(LABELS, MIXED)

    assert evaluated.photos == 8
    assert evaluated.accuracy == 5 / 8
    assert evaluated.unseen_labels() == [{"label": "zebra", "photos": 2}]


def test_training_labels_have_precision_recall_and_f1() -> None:
    evaluated = evaluate.evaluate(LABELS, MIXED)

    assert evaluated.per_label() == [
        {"label": "apple", "precision": 1.0, "recall": 3 / 4, "f1": 6 / 7, "photos": 4},
        {"label": "kiwi", "precision": 2 / 5, "recall": 1.0, "f1": 4 / 7, "photos": 2},
        {"label": "pear", "precision": None, "recall": None, "f1": None, "photos": 0},
        {"label": "plum", "precision": None, "recall": None, "f1": None, "photos": 0},
    ]


def test_guess_of_one_label_is_right_for_its_photos() -> None:
    evaluated = evaluate.evaluate(LABELS, MIXED)

    assert (evaluated.always("apple"), evaluated.always("plum")) == (4 / 8, 0.0)
    assert evaluate.evaluate(LABELS, pairs({})).always("apple") is None


@pytest.mark.parametrize(
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I
    ("right", "photos", "bounds"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_interval_equals_published_values(right: int, photos: int, bounds: tuple[float, float]) -> None:
    assert evaluate.interval(right, photos) == pytest.approx(bounds, abs=5e-5)


def test_interval_of_nothing_is_everything() -> None:
    assert evaluate.interval(0, 0) == (0.0, 1.0)


def test_macro_f1_averages_tested_or_predicted_labels() -> None:
    tested_and_missed = pairs({("apple", "apple"): 1, ("kiwi", "apple"): 1, ("zebra", "pear"): 1})

    assert evaluate.evaluate(LABELS, MIXED).macro_f1 == (6 / 7 + 4 / 7) / 2
    assert evaluate.evaluate(LABELS, tested_and_missed).macro_f1 == (2 / 3 + 0 + 0) / 3


def test_measures_are_none_without_test_photos() -> None:
    evaluated = evaluate.evaluate(LABELS, pairs({}))

    assert (evaluated.photos, evaluated.accuracy, evaluated.macro_f1) == (0, None, None)


def test_matrix_has_rows_by_true_and_columns_by_training_label() -> None:
    table = evaluate.evaluate(["apple", "label"], pairs({("apple", "label"): 1, ("zebra", "apple"): 2})).table()

    assert table.column_names == ["label", "apple", "label"]
    assert [column.to_pylist() for column in table.columns] == [["apple", "label", "zebra"], [0, 0, 2], [1, 0, 0]]
