"""Tests of infra/commands/output/tables.py."""

import argparse

import pytest

from infra.commands.output.tables import component_counts, cumulative_shares, in_columns, variance_table
from infra.errors import RunFilesError
from tests.error_report import values

CSV = b'"component","variance","ratio","cumulative"\n1,6,0.6,0.6\n2,3,0.3,0.9\n3,1,0.1,1\n'


def test_the_shares_are_those_of_the_file() -> None:
    assert cumulative_shares(CSV) == [0.6, 0.9, 1.0]


def test_variance_table_has_a_row_per_number_in_the_order_given() -> None:
    assert variance_table([0.6, 0.90006, 1.0], [3, 1, 2]) == [
        "components  variance kept",
        "         3        100.00%",
        "         1         60.00%",
        "         2         90.01%",
    ]


def test_numbers_beyond_the_fit_are_listed_below_the_table() -> None:
    *_, last_row, remark = variance_table([0.6, 0.9, 1.0], [2, 400, 1000])

    assert last_row.split() == ["2", "90.00%"]
    assert values(remark) == ["3", "100.00%", "400", "1,000"]


def test_variance_table_is_left_out_if_all_numbers_are_too_large() -> None:
    assert list(map(values, variance_table([1.0], [2]))) == [["1", "100.00%", "2"]]


def test_spaces_in_a_list_are_ignored() -> None:
    assert component_counts("100, 200,400,") == [100, 200, 400]


@pytest.mark.parametrize("text", ["", ",", "0", "-1", "10,x", "1.5", "²"])
def test_what_is_no_list_of_numbers_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        component_counts(text)


@pytest.mark.parametrize("content", [b"component,ratio\n1,0.5\n", b"component,cumulative\n", b"", b"\xff"])
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(RunFilesError):
        cumulative_shares(content)


def test_text_is_aligned_left_and_numbers_right() -> None:
    assert in_columns([("name", "photos"), ("a", "1,000"), ("longer", "5")]) == [
        "name    photos",
        "a        1,000",
        "longer       5",
    ]
    assert in_columns([]) == []
