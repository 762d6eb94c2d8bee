"""The options of the job that concern descriptors and visual words, and their checks."""

import argparse
from typing import Any

from job.errors import UsageError
from job.features.network.litert import INT8
from job.features.network.transform import NO_TRANSFORM

CNN = "cnn"
"""The value of --descriptor for features of a network, without visual words."""

DESCRIPTORS = ("orb", "sift")
"""The other values, for visual words: the keys of ``descriptors.KINDS``, whose import is too slow for --help."""

REJECT, ZERO = "reject", "zero"
"""What becomes of a photo without keypoints: rejected, or kept with a histogram of zeros."""

LEARNED = {
    "keypoints": 50,
    "visual_words": 30,
    "word_sample": 20_000,
    "word_iterations": 20,
}
"""Options of a vocabulary that is learned, and their defaults; one that is reused has them already."""

DEFAULTS = {**LEARNED, "no_keypoints": REJECT}
"""Values of options that were left out. The parser leaves them at None, to tell which ones were."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    words = parser.add_argument_group("features from visual words")
    words.add_argument(
        "--descriptor",
        metavar="NAME",
        choices=(CNN, *DESCRIPTORS),
        default=CNN,
        help="cnn: features from a network (default); orb or sift: visual words",
    )
    for name, metavar, text in (
        ("keypoints", "N", "use at most N keypoints per photo"),
        ("visual-words", "K", "learn K visual words"),
        ("word-sample", "N", "learn them from N descriptors"),
        ("word-iterations", "N", "iterations of K-Means"),
    ):
        default = LEARNED[name.replace("-", "_")]
        words.add_argument(f"--{name}", metavar=metavar, type=int, help=f"{text} (default: {default:,})")
    words.add_argument("--vocabulary", metavar="FOLDER", help="results whose words are used, instead of new ones")
    words.add_argument(
        "--no-keypoints",
        metavar="DO",
        choices=(REJECT, ZERO),
        help="photos without keypoints: reject (default), or zero for a histogram of zeros",
    )


def checked(given: argparse.Namespace) -> dict[str, Any]:
    """Return the options by name, defaults filled in, also where another option makes them meaningless.

    Raises
    ------
    UsageError
        If one is out of its range, or does not go with another.
    """
    chosen = {name: getattr(given, name) for name in (*DEFAULTS, "vocabulary")}
    stated = [name for name, value in chosen.items() if value is not None]
    learned = [name for name in stated if name in LEARNED]
    if given.descriptor == CNN:
        if stated:
            raise _contradiction(stated[0], f"--descriptor {CNN}", f"add --descriptor {' or '.join(DESCRIPTORS)}")
    elif given.model is not None:
        raise _contradiction("model", f"--descriptor {given.descriptor}")
    elif given.views != 1:
        raise _contradiction(f"views {given.views}", f"--descriptor {given.descriptor}")
    elif given.feature_transform != NO_TRANSFORM:
        raise _contradiction(f"feature-transform {given.feature_transform}", f"--descriptor {given.descriptor}")
    elif given.precision == INT8:
        raise _contradiction(f"precision {INT8}", f"--descriptor {given.descriptor}")
    elif given.vocabulary is not None and learned:
        raise _contradiction(learned[0], "--vocabulary")
    filled = {name: DEFAULTS.get(name) if value is None else value for name, value in chosen.items()}
    _require_ranges(filled)
    return {"descriptor": given.descriptor, **filled}


def _contradiction(name: str, other: str, instead: str = "") -> UsageError:
    hint = f"Leave one of the two out{f', or {instead}' if instead else ''}."
    return UsageError(f"--{_option(name)} does not go with {other}.", hint)


def _require_ranges(chosen: dict[str, Any]) -> None:
    # Features of one dimension have nothing to be reduced to.
    for name, least in (("keypoints", 1), ("visual_words", 2), ("word_iterations", 1)):
        if chosen[name] < least:
            raise UsageError(
                f"--{_option(name)} must be at least {least}, got {chosen[name]}.", "Choose a larger number."
            )
    words, sample = chosen["visual_words"], chosen["word_sample"]
    if sample < words:
        raise UsageError(
            f"--word-sample must be at least --visual-words {words}, got {sample}.",
            "Choose at least ten times as many, better a few hundred times.",
        )


def _option(name: str) -> str:
    return name.replace("_", "-")
