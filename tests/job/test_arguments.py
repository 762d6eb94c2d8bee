"""Tests of job/arguments.py."""

import pytest

from job import arguments
from job.errors import UsageError
from job.features.network.registry import NETWORKS
from job.features.words import options
from job.features.words.descriptors import KINDS

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


@pytest.mark.parametrize(
    "words",
    [
        ["--labels", 'Apple Red,"Plum, red"'],
        ["--labels", 'Apple Red, "Plum, red"'],
        ["--labels", "Apple Red", "--labels", '"Plum, red"', "--labels", "Apple Red"],
    ],
)
def test_labels_with_a_comma_are_named_in_quotes_and_labels_may_be_named_one_by_one(words: list[str]) -> None:
    assert arguments.parse([*NEEDED, *words]).labels == ("Apple Red", "Plum, red")


def test_a_holdout_comes_with_a_classifier() -> None:
    given = arguments.parse([*NEEDED, "--classifier", "tree", "--holdout", "0.2"])

    assert (given.classifier, given.holdout) == ("tree", 0.2)
    assert arguments.parse(NEEDED).classifier == "none"


def test_what_is_applied_to_which_photos_is_taken_with_predict() -> None:
    given = arguments.parse_predict(["--fitted", "results", *NEEDED, "--no-csv"])

    assert (given.fitted, given.images, given.output, given.csv) == ("results", "photos", "results", False)


def test_predict_takes_nothing_that_would_fit_anew() -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse_predict(["--fitted", "results", *NEEDED, "--components", "5"])

    assert raised.value.message == "Unrecognized arguments: --components 5."
    assert raised.value.hint == "See python -m job predict --help."


def test_csv_is_written_unless_it_is_refused() -> None:
    assert arguments.parse(NEEDED).csv
    assert not arguments.parse([*NEEDED, "--no-csv"]).csv


@pytest.mark.parametrize(
    ("words", "message", "hint"),
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
        (
            ["--holdout", "0.2"],
            "--holdout keeps photos to test a classifier, and there is none.",
            "Add --classifier logistic|tree|forest|mlp, or leave --holdout out.",
        ),
        (
            ["--holdout", "1", "--classifier", "tree"],
            "--holdout 1 is no share of the photos.",
            "Choose a number between 0 and 1, like 0.2.",
        ),
        (
            ["--holdout", "0.2", "--classifier", "tree", "--test", "photos"],
            "Argument --test: not allowed with argument --holdout.",
            "See python -m job --help.",
        ),
        (
            ["--labels", '"Plum, red'],
            '--labels "Plum, red cannot be read: unexpected end of data.',
            "Put a label with a comma into double quotes: --labels 'Apple,\"Plum, red\"'.",
        ),
        (
            ["--keypoints", "20"],
            "--keypoints is for visual words, and --descriptor is cnn.",
            "Add --descriptor orb or sift, or leave it out.",
        ),
        (
            ["--descriptor", "orb", "--precision", "fast"],
            "--precision fast is a network's, and --descriptor orb uses none.",
            "Leave one of the two out.",
        ),
        (
            ["--descriptor", "orb", "--model", "a.tflite"],
            "--model is a network, and --descriptor orb uses none.",
            "Leave one of the two out.",
        ),
        (
            ["--descriptor", "orb", "--vocabulary", "results", "--visual-words", "9"],
            "--visual-words is for words that are learned, and --vocabulary gives them.",
            "Leave one of the two out.",
        ),
        (
            ["--descriptor", "sift", "--visual-words", "1"],
            "--visual-words 1 is not possible.",
            "Choose a number of 2 or more.",
        ),
        (
            ["--descriptor", "sift", "--keypoints", "0"],
            "--keypoints 0 is not possible.",
            "Choose a number of 1 or more.",
        ),
        (
            ["--descriptor", "sift", "--word-sample", "29"],
            "--word-sample 29 is too small for --visual-words 30.",
            "Choose at least ten times as many, better a few hundred times.",
        ),
        (["--frobnicate"], "Unrecognized arguments: --frobnicate.", "See python -m job --help."),
        (
            ["--resume", "--overwrite"],
            "Argument --overwrite: not allowed with argument --resume.",
            "See python -m job --help.",
        ),
        (
            ["--image-list", "list.csv"],
            "Argument --image-list: not allowed with argument --images.",
            "See python -m job --help.",
        ),
        (
            ["--max-rejected", "few"],
            "--max-rejected few is no limit.",
            "Give a share like 5%, or a number of photos like 20.",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_its_remedy(words: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse([*NEEDED, *words])

    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_a_missing_folder_of_photos_is_named() -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse(["--output", "results"])

    assert raised.value.message == "One of the arguments --images --image-list is required."


def test_the_choices_for_visual_words_are_those_that_there_are() -> None:
    assert tuple(KINDS) == options.DESCRIPTORS


def test_visual_words_have_their_defaults_and_no_share_of_the_variance() -> None:
    given = arguments.parse([*NEEDED, "--descriptor", "orb"])

    assert (given.keypoints, given.visual_words, given.word_sample) == (50, 30, 20_000)
    assert (given.word_iterations, given.no_keypoints) == (20, "reject")
    assert (given.variance, given.components, given.vocabulary) == (None, None, None)


def test_a_share_of_the_variance_goes_with_visual_words_too() -> None:
    assert arguments.parse([*NEEDED, "--descriptor", "sift", "--variance", "0.9"]).variance == 0.9


def test_the_help_fits_two_screens_of_25_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert len(arguments.parser().format_help().splitlines()) <= 50
