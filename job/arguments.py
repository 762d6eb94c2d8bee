"""The job's command line: what it takes, and the checks that need nothing but the arguments themselves."""

import argparse
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from job.classifiers.models import MODELS
from job.errors import UsageError
from job.features.network.backbone import FAST, FULL
from job.features.network.registry import IMAGENET, require_network
from job.features.words import options
from job.features.words.options import CNN
from job.report.messages import LANGUAGES

DEFAULT_VARIANCE = 0.95

NO_CLASSIFIER = "none"
"""The value of --classifier that is none."""

_MASTER = re.compile(r"local|local\[(\*|\d+)(,\s*\d+)?\]|local-cluster\[\d+,\s*\d+,\s*\d+\]|yarn|(spark|k8s)://\S+")

_LIMIT = re.compile(r"(?P<number>\d+)|(?P<share>\d+(\.\d+)?)\s*%")


@dataclass(frozen=True)
class Arguments:
    """The arguments of a run, checked. See ``python -m job --help`` for their meaning."""

    images: str | None
    image_list: str | None
    output: str
    test: str | None
    holdout: float | None
    predict: str | None
    labels: tuple[str, ...] | None
    per_label: int | None
    seed: int
    model: str | None
    backbone: str
    weights: str
    precision: str
    descriptor: str
    keypoints: int
    visual_words: int
    word_sample: int
    word_iterations: int
    vocabulary: str | None
    no_keypoints: str
    standardize: bool
    components: int | None
    variance: float | None
    classifier: str
    csv: bool
    max_rejected: str | None
    resume: bool
    overwrite: bool
    lang: str
    master: str | None
    debug: bool

    def as_manifest(self) -> dict[str, Any]:
        """Return them as the manifest shows them."""
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}


@dataclass(frozen=True)
class PredictArguments:
    """The arguments of ``python -m job predict``, checked. See its ``--help`` for their meaning."""

    fitted: str
    images: str
    output: str
    model: str | None
    precision: str | None
    csv: bool
    max_rejected: str | None
    resume: bool
    overwrite: bool
    master: str | None
    debug: bool

    def as_manifest(self) -> dict[str, Any]:
        """Return them as the manifest shows them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are like all others of the job: what, and what to do."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with argparse's message, and the way to the help."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")


def parse(arguments: Sequence[str] | None = None) -> Arguments:
    """Return the checked arguments.

    Parameters
    ----------
    arguments
        The words of the command line; None for this process's own.

    Raises
    ------
    UsageError
        If one is missing, unknown or out of its range.
    """
    given = parser().parse_args(arguments)
    _require_master(given.master)
    _require_not_empty(given, ("images", "image_list", "test", "predict", "output", "model", "vocabulary"))
    _require_limit(given.max_rejected)
    if not 0 <= given.seed < 2**32:
        raise UsageError(f"--seed {given.seed} is no seed.", f"Choose a number from 0 to {2**32 - 1}.")
    components, variance = given.components, given.variance
    if components is None and variance is None and given.descriptor == CNN:
        variance = DEFAULT_VARIANCE
    if variance is not None and not 0 < variance <= 1:
        raise UsageError(
            f"--variance {variance:g} is no share of the variance.",
            "Choose a number above 0 and at most 1, like 0.95.",
        )
    if components is not None and components < 1:
        raise UsageError(f"--components {components} keeps nothing.", "Choose a number of 1 or more.")
    if given.per_label is not None and given.per_label < 1:
        raise UsageError(f"--per-label {given.per_label} takes no photo.", "Choose a number of 1 or more.")
    _require_holdout(given)
    if given.model is None:
        require_network(given.backbone)
    return Arguments(
        images=given.images,
        image_list=given.image_list,
        output=given.output,
        test=given.test,
        holdout=given.holdout,
        predict=given.predict,
        labels=_labels(given.labels),
        per_label=given.per_label,
        seed=given.seed,
        model=given.model,
        backbone=given.backbone,
        weights=given.weights,
        precision=given.precision,
        **options.checked(given),
        standardize=given.standardize,
        components=components,
        variance=variance,
        classifier=given.classifier,
        csv=given.csv,
        max_rejected=given.max_rejected,
        resume=given.resume,
        overwrite=given.overwrite,
        lang=given.lang,
        master=given.master,
        debug=given.debug,
    )


def parse_predict(arguments: Sequence[str]) -> PredictArguments:
    """Return the checked arguments of ``python -m job predict``.

    Raises
    ------
    UsageError
        If one is missing, unknown or empty.
    """
    given = predict_parser().parse_args(arguments)
    _require_master(given.master)
    _require_not_empty(given, ("fitted", "images", "output", "model"))
    _require_limit(given.max_rejected)
    return PredictArguments(**vars(given))


def predict_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job predict``."""
    made = Parser(
        prog="python -m job predict",
        description="Apply what an earlier run fitted to other photos: features, components and predictions.",
        epilog="Example: python -m job predict --fitted results/ --images photos/ --output predictions/",
    )
    made.add_argument("--fitted", metavar="URI", required=True, help="results of the earlier run")
    made.add_argument("--images", metavar="URI", required=True, help="folder of photos; their folders are no labels")
    made.add_argument("--model", metavar="FILE", help="the earlier run's backbone, if it is not found by itself")
    made.add_argument("--precision", choices=(FULL, FAST), help="of the features (default: the earlier run's)")
    _add_output_options(made)
    _add_general_options(made)
    return made


def parser() -> argparse.ArgumentParser:
    """Return the parser, for the command itself and for whoever checks a command before it is sent."""
    made = Parser(
        prog="python -m job",
        usage="python -m job --images URI --output URI [options]",
        description="From photos to features, components, a classifier; job predict applies it.",
        epilog="Example: python -m job --images photos/ --variance 0.95 --output results/",
    )
    _add_general_options(made)

    photos = made.add_argument_group("photos")
    which = photos.add_mutually_exclusive_group(required=True)
    which.add_argument("--images", metavar="URI", help="photos; the last folder of a path is the label")
    which.add_argument("--image-list", metavar="URI", help="instead: CSV or Parquet of URIs, or an S3 Inventory")
    tested = photos.add_mutually_exclusive_group()
    tested.add_argument("--test", metavar="URI", help="photos that the fit is tested on, never fitted")
    tested.add_argument("--holdout", metavar="SHARE", type=float, help="of --images, to test the classifier on")
    photos.add_argument("--predict", metavar="URI", help="photos without labels: projected, never fitted")
    photos.add_argument(
        "--labels", metavar="A,B", action="append", help="only these; 'A,\"B, C\"' where a label has a comma"
    )
    photos.add_argument("--per-label", metavar="N", type=int, help="at most this many photos a label")
    photos.add_argument("--seed", metavar="S", type=int, default=0, help="draws other photos, other random weights")

    network = made.add_argument_group("features")
    network.add_argument("--model", metavar="FILE", help="an exported backbone, instead of the next two")
    network.add_argument("--backbone", metavar="NAME", default="mobilenet_v2", help="default: %(default)s")
    network.add_argument(
        "--weights",
        default=IMAGENET,
        help="imagenet (default), random, or a file of them",
    )
    network.add_argument(
        "--precision",
        metavar="P",
        choices=(FULL, FAST),
        default=FULL,
        help="full (default), or fast: bfloat16 if possible",
    )

    options.add_to(made)

    components = made.add_argument_group("components and classifier")
    components.add_argument(
        "--no-standardize", dest="standardize", action="store_false", help="only centre the features"
    )
    kept = components.add_mutually_exclusive_group()
    kept.add_argument("--components", metavar="K", type=int, help="how many to keep")
    kept.add_argument(
        "--variance",
        metavar="SHARE",
        type=float,
        help=f"as many as keep this share ({DEFAULT_VARIANCE}; words: 0.7 of them)",
    )

    components.add_argument(
        "--classifier",
        metavar="KIND",
        choices=(NO_CLASSIFIER, *MODELS),
        default=NO_CLASSIFIER,
        help=f"{NO_CLASSIFIER} (default), {', '.join(MODELS)}",
    )

    out = made.add_argument_group("results")
    _add_output_options(out)
    out.add_argument("--lang", choices=LANGUAGES, default=LANGUAGES[0], help="of report.html (default: %(default)s)")
    return made


def most_allowed(limit: str, photos: int) -> int:
    """Return how many of some photos may be set aside.

    Parameters
    ----------
    limit
        A number of photos, like "20", or a share of them, like "5%".
    photos
        How many there are.

    Raises
    ------
    UsageError
        If the limit is neither, or a share above 100 %.
    """
    match = _LIMIT.fullmatch(limit.strip())
    if match is None or (match["share"] and float(match["share"]) > 100):
        raise UsageError(f"--max-rejected {limit} is no limit.", "Give a share like 5%, or a number of photos like 20.")
    return int(match["number"]) if match["number"] else int(photos * float(match["share"]) / 100)


def _add_general_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("--master", metavar="URL", help="where Spark runs (default: all cores of this machine)")
    made.add_argument("--debug", action="store_true", help="show the whole trace of a failure")


def _add_output_options(out: argparse._ActionsContainer) -> None:
    out.add_argument("--output", metavar="URI", required=True, help="folder of the results")
    out.add_argument(
        "--csv", action=argparse.BooleanOptionalAction, default=True, help="components as CSV beside Parquet"
    )
    out.add_argument("--max-rejected", metavar="N|N%", help="fail if more photos than this cannot be used")
    there = out.add_mutually_exclusive_group()
    there.add_argument("--resume", action="store_true", help="take over what the output has, compute what it lacks")
    there.add_argument("--overwrite", action="store_true", help="replace results, once the new ones are complete")


def _require_master(master: str | None) -> None:
    if master is not None and not _MASTER.fullmatch(master):
        raise UsageError(
            f"--master '{master}' is no place where Spark runs.",
            "Use local[*] for this machine, local[N] for N cores of it, yarn, or spark://HOST:PORT.",
        )


def _require_not_empty(given: argparse.Namespace, names: Sequence[str]) -> None:
    for name in names:
        if getattr(given, name) == "":
            raise UsageError(
                f"--{name.replace('_', '-')} is empty.",
                "Name a folder of this machine, or a URI like s3://BUCKET/FOLDER.",
            )


def _require_limit(limit: str | None) -> None:
    if limit is not None:
        most_allowed(limit, 0)


def _require_holdout(given: argparse.Namespace) -> None:
    if given.holdout is None:
        return
    if not 0 < given.holdout < 1:
        raise UsageError(
            f"--holdout {given.holdout:g} is no share of the photos.", "Choose a number between 0 and 1, like 0.2."
        )
    if given.classifier == NO_CLASSIFIER:
        raise UsageError(
            "--holdout keeps photos to test a classifier, and there is none.",
            f"Add --classifier {'|'.join(MODELS)}, or leave --holdout out.",
        )


def _labels(given: Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    try:
        named = [label for row in csv.reader(given, skipinitialspace=True, strict=True) for label in row]
    except csv.Error as error:
        raise UsageError(
            f"--labels {' '.join(given)} cannot be read: {error}.",
            "Put a label with a comma into double quotes: --labels 'Apple,\"Plum, red\"'.",
        ) from error
    labels = tuple(dict.fromkeys(label.strip() for label in named if label.strip()))
    if not labels:
        raise UsageError("--labels names no label.", "Write them with commas between: --labels Apple,Avocado.")
    return labels
