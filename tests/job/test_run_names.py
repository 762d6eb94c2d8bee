"""Tests of job/run_names.py."""

import subprocess
import sys

import pytest

from job import run_names


@pytest.mark.parametrize("name", ["a", "first", "2026-11-29", "a.b_c-D", "x" * 64])
def test_accepts_names_that_are_safe_everywhere(name: str) -> None:
    assert run_names.is_valid(name)


@pytest.mark.parametrize("name", ["", "a b", "../a", "-a", ".a", "a/b", "a\n", "é", "x" * 65])
def test_rejects_other_names(name: str) -> None:
    assert not run_names.is_valid(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [("a b", "a-b"), ("../first/", "first"), ("done/", "done"), ("日本", "photos"), ("x" * 70, "x" * 64)],
)
def test_returns_the_nearest_valid_name(text: str, name: str) -> None:
    assert run_names.nearest(text, "photos") == name


def test_default_name_is_the_time_in_utc() -> None:
    assert run_names.default(0.0) == "19700101T000000Z"
    assert run_names.is_valid(run_names.default())


def test_results_of_a_name_are_in_a_folder_of_that_name() -> None:
    assert run_names.folder("first") == "results/first"


def test_loads_neither_arrow_nor_spark() -> None:
    code = "import sys, job.run_names; sys.exit(bool({'pyarrow', 'pyspark', 'numpy'} & sys.modules.keys()))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
