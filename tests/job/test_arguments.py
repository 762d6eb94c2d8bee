"""Tests of job/arguments.py."""

import pytest

from job import arguments
from job.errors import UsageError
from job.networks import NETWORKS

NEEDED = ["--images", "photos", "--output", "results"]


def test_without_a_choice_95_percent_of_the_variance_is_kept() -> None:
    given = arguments.parse(NEEDED)

    assert given.variance == 0.95
    assert given.components is None


def test_a_number_of_components_replaces_the_variance() -> None:
    given = arguments.parse([*NEEDED, "--components", "50"])

    assert given.components == 50
    assert given.variance is None


@pytest.mark.parametrize("master", ["local[*]", "local[2]", "local-cluster[2,1,2048]", "yarn", "spark://host:7077"])
def test_every_place_where_spark_runs_is_taken(master: str) -> None:
    assert arguments.parse([*NEEDED, "--master", master]).master == master


def test_labels_are_split_at_commas_and_trimmed() -> None:
    given = arguments.parse([*NEEDED, "--labels", "Apple Red, Kiwi,"])

    assert given.labels == ("Apple Red", "Kiwi")


def test_csv_is_written_unless_it_is_refused() -> None:
    assert arguments.parse(NEEDED).csv
    assert not arguments.parse([*NEEDED, "--no-csv"]).csv


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (
            ["--variance", "1.5"],
            "--variance 1.5 is no share of the variance.",
            "Choose a number above 0 and at most 1, like 0.95.",
        ),
        (
            ["--variance", "0"],
            "--variance 0 is no share of the variance.",
            "Choose a number above 0 and at most 1, like 0.95.",
        ),
        (
            ["--variance", "nan"],
            "--variance nan is no share of the variance.",
            "Choose a number above 0 and at most 1, like 0.95.",
        ),
        (["--components", "0"], "--components 0 keeps nothing.", "Choose a number of 1 or more."),
        (["--per-label", "0"], "--per-label 0 takes no photo.", "Choose a number of 1 or more."),
        (["--backbone", "alexnet"], "There is no backbone 'alexnet'.", f"Choose one of: {', '.join(NETWORKS)}."),
        (["--labels", ","], "--labels names no label.", "Write them with commas between: --labels Apple,Avocado."),
        (
            ["--components", "5", "--variance", "0.9"],
            "Argument --variance: not allowed with argument --components.",
            "See python -m job --help.",
        ),
        (
            ["--components", "many"],
            "Argument --components: invalid int value: 'many'.",
            "See python -m job --help.",
        ),
        (
            ["--master", "moon"],
            "--master 'moon' is no place where Spark runs.",
            "Use local[*] for this machine, local[N] for N cores of it, yarn, or spark://HOST:PORT.",
        ),
        (["--seed", "-1"], "--seed -1 is no seed.", "Choose a number from 0 to 4294967295."),
        (
            ["--test", ""],
            "--test is empty.",
            "Name a folder of this machine, or a URI like s3://BUCKET/FOLDER.",
        ),
        (["--frobnicate"], "Unrecognized arguments: --frobnicate.", "See python -m job --help."),
    ],
)
def test_a_wrong_argument_is_named_with_its_remedy(words: list[str], what: str, remedy: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse([*NEEDED, *words])

    assert (raised.value.what, raised.value.remedy) == (what, remedy)


def test_a_missing_folder_of_photos_is_named() -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse(["--output", "results"])

    assert raised.value.what == "The following arguments are required: --images."


def test_the_help_fits_a_screen() -> None:
    assert len(arguments.parser().format_help().splitlines()) <= 50
