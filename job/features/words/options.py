"""The part of the job's command line that speaks of descriptors and visual words, and its checks."""

import argparse
from typing import Any

from job.errors import UsageError
from job.features.network.backbone import FAST

CNN = "cnn"
"""The descriptor that is none of ours: the features of a network."""

DESCRIPTORS = ("orb", "sift")
"""Those that visual words are made of; ``descriptors`` has the same, and takes too long to import for a help."""

REJECT, ZERO = "reject", "zero"
"""What becomes of a photo without keypoints: set aside, or kept with a histogram of zeros."""

LEARNED = {
    "keypoints": 50,
    "visual_words": 30,
    "word_sample": 20_000,
    "word_iterations": 20,
}
"""Options of a vocabulary that is learned, and their defaults; one that is reused has them already."""


def add_to(made: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    words = made.add_argument_group("visual words, instead of a network's features")
    words.add_argument(
        "--descriptor",
        metavar="NAME",
        choices=(CNN, *DESCRIPTORS),
        default=CNN,
        help="cnn (default), orb or sift",
    )
    words.add_argument("--keypoints", metavar="N", type=int, help=f"a photo (default: {LEARNED['keypoints']})")
    words.add_argument("--visual-words", metavar="K", type=int, help=f"default: {LEARNED['visual_words']}")
    words.add_argument(
        "--word-sample",
        metavar="N",
        type=int,
        help=f"descriptors to learn them from (default: {LEARNED['word_sample']:,})",
    )
    words.add_argument(
        "--word-iterations", metavar="N", type=int, help=f"of K-Means (default: {LEARNED['word_iterations']})"
    )
    words.add_argument("--vocabulary", metavar="RESULTS", help="words of an earlier run, instead of new ones")
    words.add_argument(
        "--no-keypoints", metavar="DO", choices=(REJECT, ZERO), help="with photos without any: reject (default) or zero"
    )


def checked(given: argparse.Namespace) -> dict[str, Any]:
    """Return the options by name, defaults filled in, also where another option makes them meaningless.

    Raises
    ------
    UsageError
        If one is out of its range, or does not go with another.
    """
    names = (*LEARNED, "vocabulary", "no_keypoints")
    chosen = {name: getattr(given, name) for name in names}
    stated = [name for name in names if chosen[name] is not None]
    if given.descriptor == CNN:
        if stated:
            raise UsageError(
                f"--{_option(stated[0])} is for visual words, and --descriptor is {CNN}.",
                f"Add --descriptor {' or '.join(DESCRIPTORS)}, or leave it out.",
            )
    elif given.model is not None:
        raise UsageError(
            f"--model is a network, and --descriptor {given.descriptor} uses none.", "Leave one of the two out."
        )
    elif given.precision == FAST:
        raise UsageError(
            f"--precision {FAST} is a network's, and --descriptor {given.descriptor} uses none.",
            "Leave one of the two out.",
        )
    if given.vocabulary is not None:
        learned = [name for name in stated if name in LEARNED]
        if learned:
            raise UsageError(
                f"--{_option(learned[0])} is for words that are learned, and --vocabulary gives them.",
                "Leave one of the two out.",
            )
    defaults = {**LEARNED, "no_keypoints": REJECT}
    filled = {name: defaults.get(name) if value is None else value for name, value in chosen.items()}
    _require_ranges(filled)
    return {"descriptor": given.descriptor, **filled}


def _require_ranges(chosen: dict[str, Any]) -> None:
    # Features of one dimension have nothing to be reduced to.
    for name, least in (("keypoints", 1), ("visual_words", 2), ("word_iterations", 1)):
        if chosen[name] < least:
            raise UsageError(
                f"--{_option(name)} {chosen[name]} is not possible.", f"Choose a number of {least} or more."
            )
    words, sample = chosen["visual_words"], chosen["word_sample"]
    if sample < words:
        raise UsageError(
            f"--word-sample {sample} is too small for --visual-words {words}.",
            "Choose at least ten times as many, better a few hundred times.",
        )


def _option(name: str) -> str:
    return name.replace("_", "-")
