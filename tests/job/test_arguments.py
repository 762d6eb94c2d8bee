"""Tests of job/arguments.py."""

import pytest

from job import arguments
from job.errors import UsageError
from job.features.words import KINDS
from job.features.words import options as word_options

NEEDED = ["--images", "photos", "--output", "results"]


def test_keeps_95_percent_of_the_variance_by_default() -> None:
    given = arguments.parse(NEEDED)

    assert given.variance == 0.95
    assert given.components is None


def test_components_replace_the_default_variance() -> None:
    given = arguments.parse([*NEEDED, "--components", "50"])

    assert given.components == 50
    assert given.variance is None


@pytest.mark.parametrize("master", ["local[*]", "local[2]", "local-cluster[2,1,2048]", "yarn", "spark://host:7077"])
def test_accepts_master(master: str) -> None:
    assert arguments.parse([*NEEDED, "--master", master]).master == master


def test_splits_labels_at_commas_and_trims_them() -> None:
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
def test_quotes_keep_commas_and_labels_may_be_repeated(words: list[str]) -> None:
    assert arguments.parse([*NEEDED, *words]).labels == ("Apple Red", "Plum, red")


def test_accepts_holdout_with_a_classifier() -> None:
    given = arguments.parse([*NEEDED, "--classifier", "tree", "--holdout", "0.2"])

    assert (given.classifier, given.holdout) == ("tree", 0.2)
    assert arguments.parse(NEEDED).classifier == "none"


def test_predict_takes_results_images_and_output() -> None:
    given = arguments.parse_predict(["--results", "results", *NEEDED, "--no-csv"])

    assert (given.results, given.images, given.output, given.csv) == ("results", "photos", "results", False)


def test_predict_refuses_options_of_the_fit() -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse_predict(["--results", "results", *NEEDED, "--components", "5"])

    assert (raised.value.code, "'--components'" in raised.value.message) == ("ORC-101", True)
    assert "python -m job predict --help" in raised.value.hint


def test_writes_csv_by_default() -> None:
    assert arguments.parse(NEEDED).csv
    assert not arguments.parse([*NEEDED, "--no-csv"]).csv


@pytest.mark.parametrize(
    ("argv", "option", "value"),
    [
        (["--variance", "1.5"], "--variance", "1.5"),
        (["--variance", "0"], "--variance", "0"),
        (["--variance", "nan"], "--variance", "nan"),
        (["--variance", "101%"], "--variance", "1.01"),
        (["--variance", "most"], "--variance", "most"),
        (["--holdout", "100%", "--classifier", "tree"], "--holdout", "got 1"),
        (["--components", "0"], "--components", "0"),
        (["--group-pattern", "tree"], "--group-pattern", "tree"),
        (["--per-label", "0"], "--per-label", "0"),
        (["--backbone", "alexnet"], "backbone", "alexnet"),
        (["--labels", ","], "--labels", "','"),
        (["--labels", '"Plum, red'], "--labels", '"Plum, red'),
        (["--components", "5", "--variance", "0.9"], "--variance", "--components"),
        (["--components", "many"], "--components", "many"),
        (["--master", "moon"], "--master", "moon"),
        (["--seed", "-1"], "--seed", "-1"),
        (["--seed", "4294967296"], "--seed", "4294967296"),
        (["--test", ""], "--test", "empty string"),
        (["--holdout", "0.2"], "--holdout", "classifier"),
        (["--holdout", "1", "--classifier", "tree"], "--holdout", "1"),
        (["--holdout", "0.2", "--classifier", "tree", "--test", "photos"], "--test", "--holdout"),
        (["--folds", "1", "--classifier", "tree"], "--folds", "got 1"),
        (["--folds", "5"], "--folds", "--classifier none"),
        (["--reject-below", "0.5"], "--reject-below", "--classifier none"),
        (["--reject-below", "101%", "--classifier", "tree"], "--reject-below", "got 1.01"),
        (["--reject-below=-1", "--classifier", "tree"], "--reject-below", "got -1"),
        (["--wanted-precision", "0.9"], "--wanted-precision", "--classifier none"),
        (["--wanted-precision", "1", "--classifier", "tree"], "--wanted-precision", "got 1"),
        (["--wanted-precision", "0.9", "--reject-below", "0.5"], "--reject-below", "--wanted-precision"),
        (["--folds", "5", "--holdout", "0.2", "--classifier", "tree"], "--folds", "--holdout"),
        (["--visual-words", "9"], "--visual-words", "--descriptor cnn"),
        (["--descriptor", "orb", "--precision", "int8"], "--precision int8", "--descriptor orb"),
        (["--descriptor", "orb", "--feature-transform", "sqrt"], "--feature-transform sqrt", "--descriptor orb"),
        (["--descriptor", "orb", "--model", "a.tflite"], "--model", "--descriptor orb"),
        (["--descriptor", "orb", "--vocabulary", "a", "--visual-words", "9"], "--visual-words", "--vocabulary"),
        (["--descriptor", "sift", "--visual-words", "1"], "--visual-words", "1"),
        (["--descriptor", "sift", "--keypoints", "0"], "--keypoints", "0"),
        (["--descriptor", "sift", "--word-sample", "29"], "--word-sample", "29"),
        (["--frobnicate"], "Unknown", "--frobnicate"),
        (["leftover"], "Unknown", "leftover"),
        (["--weights", "random", "--model", "a.tflite"], "--weights", "--model"),
        (["--backbone", "mobilenet_v2", "--model", "a.tflite"], "--backbone", "--model"),
        (["--descriptor", "orb", "--weights", "imagenet"], "--weights", "--descriptor orb"),
        (["--descriptor", "sift", "--backbone", "mobilenet_v2"], "--backbone", "--descriptor sift"),
        (["--resume", "--overwrite"], "--overwrite", "--resume"),
        (["--image-list", "list.csv"], "--image-list", "--images"),
        (["--max-rejected", "few"], "--max-rejected", "few"),
        (["--max-rejected", "101%"], "--max-rejected", "101%"),
    ],
)
def test_refuses_argument_by_option_and_value(argv: list[str], option: str, value: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse([*NEEDED, *argv])

    assert (raised.value.code, bool(raised.value.hint)) in [("ORC-101", True), ("ORC-140", True)]
    assert option in raised.value.message
    assert value in raised.value.message


@pytest.mark.parametrize(
    ("argv", "missing"), [(["--output", "results"], "--images"), (["--images", "photos"], "--output")]
)
def test_requires_photos_and_output(argv: list[str], missing: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse(argv)

    assert (raised.value.code, missing in raised.value.message) == ("ORC-101", True)


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [("--holdout", "20%", 0.2), ("--variance", "97.5 %", 0.975), ("--reject-below", "50%", 0.5)],
)
def test_accepts_shares_in_percent(option: str, text: str, value: float) -> None:
    given = arguments.parse([*NEEDED, "--classifier", "tree", option, text])

    assert getattr(given, option[2:].replace("-", "_")) == value


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--labels=-x", "--labels", 'A,"B, ""C"""', "--no-csv", "--no-standardize", "--components", "5", "--debug"],
        [
            "--holdout",
            ".25",
            "--classifier",
            "tree",
            "--seed",
            "3",
            "--decode",
            "scaled",
            "--label-pattern",
            "^([^/]+)/",
            "--group-pattern",
            "/(tree[0-9]+)_",
            "--weights",
            "random",
            "--per-label",
            "2",
        ],
        ["--folds", "5", "--classifier", "tree", "--test", "t", "--feature-transform", "sqrt"],
        ["--model", "a.tflite", "--holdout=20%", "--classifier=tree", "--precision", "int8"],
        ["--classifier", "tree", "--reject-below", "0"],
        ["--classifier", "tree", "--wanted-precision", "95%"],
        ["--descriptor", "orb", "--visual-words", "9", "--no-keypoints", "zero", "--resume", "--lang", "fr"],
        ["--descriptor", "sift", "--vocabulary", "earlier", "--max-rejected", "5%", "--overwrite"],
    ],
)
def test_argv_round_trips(argv: list[str]) -> None:
    given = arguments.parse([*NEEDED, *argv])

    assert arguments.parse(given.as_argv()) == given


def test_predict_argv_round_trips() -> None:
    argv = ["--results", "results", *NEEDED, "--no-csv", "--reject-below", "50%"]
    given = arguments.parse_predict(argv)

    word, *argv = given.as_argv()
    assert (word, arguments.parse_predict(argv)) == ("predict", given)


def test_argv_leaves_out_defaults() -> None:
    given = arguments.parse([*NEEDED, "--backbone", "mobilenet_v2", "--seed", "0"])

    assert given.as_argv() == ["--images=photos", "--output=results", "--variance=0.95"]


def test_descriptor_choices_match_the_registry() -> None:
    assert tuple(KINDS) == word_options.DESCRIPTORS


def test_visual_words_have_defaults_of_their_own() -> None:
    given = arguments.parse([*NEEDED, "--descriptor", "orb"])

    assert (given.keypoints, given.visual_words, given.word_sample) == (50, 30, 20_000)
    assert (given.word_iterations, given.no_keypoints) == (20, "reject")
    assert (given.variance, given.components, given.vocabulary) == (None, None, None)


def test_accepts_variance_with_visual_words() -> None:
    assert arguments.parse([*NEEDED, "--descriptor", "sift", "--variance", "0.9"]).variance == 0.9


@pytest.mark.parametrize("written", ["efficientnet-lite0", "efficientnet_lite0"])
def test_network_may_be_written_with_hyphens(written: str) -> None:
    assert arguments.parse([*NEEDED, "--backbone", written]).backbone == "efficientnet_lite0"
