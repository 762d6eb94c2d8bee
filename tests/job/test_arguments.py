"""Tests of job/arguments.py."""

import pytest

from job import arguments
from job.errors import UsageError
from job.features.words import KINDS, options

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
    given = arguments.parse_predict(["--results", "results", *NEEDED, "--no-csv"])

    assert (given.results, given.images, given.output, given.csv) == ("results", "photos", "results", False)


def test_predict_takes_nothing_that_would_fit_anew() -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse_predict(["--results", "results", *NEEDED, "--components", "5"])

    assert "--components 5" in raised.value.message
    assert "python -m job predict --help" in raised.value.hint


def test_csv_is_written_unless_it_is_refused() -> None:
    assert arguments.parse(NEEDED).csv
    assert not arguments.parse([*NEEDED, "--no-csv"]).csv


@pytest.mark.parametrize(
    ("argv", "option", "value"),
    [
        (["--variance", "1.5"], "--variance", "1.5"),
        (["--variance", "0"], "--variance", "0"),
        (["--variance", "nan"], "--variance", "nan"),
        (["--components", "0"], "--components", "0"),
        (["--per-label", "0"], "--per-label", "0"),
        (["--backbone", "alexnet"], "backbone", "alexnet"),
        (["--labels", ","], "--labels", "at least one"),
        (["--labels", '"Plum, red'], "--labels", '"Plum, red'),
        (["--components", "5", "--variance", "0.9"], "--variance", "--components"),
        (["--components", "many"], "--components", "many"),
        (["--master", "moon"], "--master", "moon"),
        (["--seed", "-1"], "--seed", "-1"),
        (["--seed", "4294967296"], "--seed", "4294967296"),
        (["--test", ""], "--test", "empty"),
        (["--holdout", "0.2"], "--holdout", "classifier"),
        (["--holdout", "1", "--classifier", "tree"], "--holdout", "1"),
        (["--holdout", "0.2", "--classifier", "tree", "--test", "photos"], "--test", "--holdout"),
        (["--visual-words", "9"], "--visual-words", "--descriptor cnn"),
        (["--descriptor", "orb", "--precision", "fast"], "--precision fast", "--descriptor orb"),
        (["--descriptor", "orb", "--model", "a.tflite"], "--model", "--descriptor orb"),
        (["--descriptor", "orb", "--vocabulary", "a", "--visual-words", "9"], "--visual-words", "--vocabulary"),
        (["--descriptor", "sift", "--visual-words", "1"], "--visual-words", "1"),
        (["--descriptor", "sift", "--keypoints", "0"], "--keypoints", "0"),
        (["--descriptor", "sift", "--word-sample", "29"], "--word-sample", "29"),
        (["--frobnicate"], "arguments", "--frobnicate"),
        (["--resume", "--overwrite"], "--overwrite", "--resume"),
        (["--image-list", "list.csv"], "--image-list", "--images"),
        (["--max-rejected", "few"], "--max-rejected", "few"),
        (["--max-rejected", "101%"], "--max-rejected", "101%"),
    ],
)
def test_refuses_argument_by_option_and_value(argv: list[str], option: str, value: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse([*NEEDED, *argv])

    assert option in raised.value.message
    assert value in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("argv", [["--output", "results"], ["--images", "photos"]])
def test_photos_and_output_are_required(argv: list[str]) -> None:
    with pytest.raises(UsageError, match=r"--images|--output"):
        arguments.parse(argv)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--labels=-x", "--labels", 'A,"B, ""C"""', "--no-csv", "--no-standardize", "--components", "5", "--debug"],
        ["--holdout", ".25", "--classifier", "tree", "--seed", "3", "--weights", "random", "--per-label", "2"],
        ["--descriptor", "orb", "--visual-words", "9", "--no-keypoints", "zero", "--resume", "--lang", "fr"],
        ["--descriptor", "sift", "--vocabulary", "earlier", "--max-rejected", "5%", "--overwrite"],
    ],
)
def test_arguments_are_what_their_argv_means(argv: list[str]) -> None:
    given = arguments.parse([*NEEDED, *argv])

    assert arguments.parse(given.as_argv()) == given


def test_predict_arguments_are_what_their_argv_means() -> None:
    given = arguments.parse_predict(["--results", "results", *NEEDED, "--precision", "fast", "--no-csv"])

    word, *argv = given.as_argv()
    assert (word, arguments.parse_predict(argv)) == ("predict", given)


def test_argv_leaves_out_what_is_the_default() -> None:
    given = arguments.parse([*NEEDED, "--backbone", "mobilenet_v2", "--seed", "0"])

    assert given.as_argv() == ["--images=photos", "--output=results", "--variance=0.95"]


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
