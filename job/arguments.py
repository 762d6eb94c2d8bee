"""The command lines of the job: options, and the checks that need nothing but the arguments themselves."""

import argparse
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from job.classifiers import COMPONENTS, FEATURES, MODELS
from job.errors import UsageError
from job.features.network import FAST, FULL, IMAGENET, require_network
from job.features.words import options
from job.features.words.options import CNN
from job.report import LANGUAGES

DEFAULT_BACKBONE = "mobilenet_v2"
DEFAULT_VARIANCE = 0.95

NO_CLASSIFIER = "none"
"""The value of --classifier that is none."""

PREDICT, REPORT = "predict", "report"
"""First argument of the command lines that are not a run."""

_MASTER = re.compile(r"local|local\[(\*|\d+)(,\s*\d+)?\]|local-cluster\[\d+,\s*\d+,\s*\d+\]|yarn|(spark|k8s)://\S+")

_LIMIT = re.compile(r"(?P<number>\d+)|(?P<share>\d+(\.\d+)?)\s*%")


class _Checked:
    """Checked arguments, which can be written down again."""

    def as_manifest(self) -> dict[str, Any]:
        """Return them as the manifest shows them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    def _options(self, parser: argparse.ArgumentParser) -> list[str]:
        """Return the shortest options that a parser reads as these arguments."""
        argv = []
        for name, value in vars(self).items():
            option = name.replace("_", "-")
            if value is None or value == options.DEFAULTS.get(name, parser.get_default(name)):
                continue
            if isinstance(value, bool):
                argv.append(f"--{option}" if value else f"--no-{option}")
            elif isinstance(value, tuple):
                argv += [f"--{option}={_csv_line(label)}" for label in value]
            else:
                argv.append(f"--{option}={value}")
        return argv


@dataclass(frozen=True)
class Arguments(_Checked):
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
    classify_on: str
    csv: bool
    max_rejected: str | None
    resume: bool
    overwrite: bool
    lang: str
    master: str | None
    debug: bool

    def as_argv(self) -> list[str]:
        """Return the shortest command line of ``python -m job`` that means these arguments."""
        return self._options(parser())


@dataclass(frozen=True)
class PredictArguments(_Checked):
    """The arguments of ``python -m job predict``, checked. See its ``--help`` for their meaning."""

    results: str
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

    def as_argv(self) -> list[str]:
        """Return the shortest command line of ``python -m job`` that means these arguments."""
        return [PREDICT, *self._options(predict_parser())]


@dataclass(frozen=True)
class ReportArguments:
    """The arguments of ``python -m job report``. See its ``--help`` for their meaning."""

    results: str
    output: str | None
    lang: str | None


class Parser(argparse.ArgumentParser):
    """A parser whose errors are like all others of the job: a message and a hint."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with argparse's message, and the way to the help."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Return the checked arguments of a run; None reads this process's own command line."""
    return checked(parser().parse_args(argv))


def parse_predict(argv: Sequence[str]) -> PredictArguments:
    """Return the checked arguments of ``python -m job predict``, without the word ``predict``."""
    return checked_predict(predict_parser().parse_args(argv))


def parse_report(argv: Sequence[str]) -> ReportArguments:
    """Return the arguments of ``python -m job report``, without the word ``report``."""
    return checked_report(report_parser().parse_args(argv))


def checked(given: argparse.Namespace) -> Arguments:
    """Return what a parser with the options of ``add_run_options`` has read, checked and with all defaults."""
    _check_shared(given, ("images", "image_list", "test", "predict", "vocabulary"))
    components, variance = given.components, given.variance
    if components is None and variance is None and given.descriptor == CNN:
        variance = DEFAULT_VARIANCE
    if not 0 <= given.seed < 2**32:
        raise UsageError(f"--seed must be between 0 and {2**32 - 1}, got {given.seed}.", "Choose another number.")
    if variance is not None and not 0 < variance <= 1:
        raise UsageError(f"--variance must be above 0 and at most 1, got {variance:g}.", "Try --variance 0.95.")
    for option, number in (("components", components), ("per-label", given.per_label)):
        if number is not None and number < 1:
            raise UsageError(f"--{option} must be at least 1, got {number}.", "Choose a larger number.")
    _require_holdout(given)
    if given.model is None:
        require_network(given.backbone)
    values = {field.name: getattr(given, field.name) for field in fields(Arguments)}
    return Arguments(**{**values, **options.checked(given), "labels": _labels(given.labels), "variance": variance})


def checked_predict(given: argparse.Namespace) -> PredictArguments:
    """Return what a parser with the options of ``add_predict_options`` has read, checked."""
    _check_shared(given, ("results", "images"))
    return PredictArguments(**{field.name: getattr(given, field.name) for field in fields(PredictArguments)})


def checked_report(given: argparse.Namespace) -> ReportArguments:
    """Return what a parser with the options of ``add_report_options`` has read."""
    return ReportArguments(given.results, given.output, given.lang)


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job``."""
    made = Parser(
        prog="python -m job",
        usage="python -m job --images URI --output URI [options]",
        description="From photos to features, components and a classifier.",
        epilog="Example: python -m job --images photos/ --variance 0.95 --output results/",
    )
    add_run_options(made, made)
    made.add_argument("--debug", action="store_true", help="show the whole trace of a failure")
    return made


def predict_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job predict``."""
    made = Parser(
        prog=f"python -m job {PREDICT}",
        description="Apply what an earlier run fitted to other photos: features, components and predictions.",
        epilog=f"Example: python -m job {PREDICT} --results results/ --images photos/ --output predictions/",
    )
    add_predict_options(made, made)
    made.add_argument("--debug", action="store_true", help="show the whole trace of a failure")
    return made


def report_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job report``."""
    made = Parser(
        prog=f"python -m job {REPORT}",
        description="Make the report of finished results again.",
        epilog=f"Example: python -m job {REPORT} results/ --lang fr --output rapport.html",
    )
    add_report_options(made)
    return made


def add_run_options(made: argparse.ArgumentParser, where: argparse._ActionsContainer) -> None:
    """Add the options of a run to a parser in groups; the one that says where Spark runs goes to ``where``."""
    _add_master(where)
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
    add_backbone_options(network)
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
    components.add_argument(
        "--classify-on",
        choices=(COMPONENTS, FEATURES),
        default=COMPONENTS,
        help="input of the classifier (default: %(default)s)",
    )

    out = _add_output_options(made)
    out.add_argument("--lang", choices=LANGUAGES, default=LANGUAGES[0], help="of report.html (default: %(default)s)")


def add_backbone_options(made: argparse._ActionsContainer) -> None:
    """Add the options that name a backbone to export."""
    made.add_argument("--backbone", metavar="NAME", default=DEFAULT_BACKBONE, help="default: %(default)s")
    made.add_argument("--weights", default=IMAGENET, help="imagenet (default), random, or a file of them")


def add_predict_options(made: argparse.ArgumentParser, where: argparse._ActionsContainer) -> None:
    """Add the options of a prediction to a parser; the one that says where Spark runs goes to ``where``."""
    _add_master(where)
    photos = made.add_argument_group("photos and features")
    photos.add_argument("--results", metavar="URI", required=True, help="fitted results of an earlier run")
    photos.add_argument("--images", metavar="URI", required=True, help="photos; their folders are no labels")
    photos.add_argument("--model", metavar="FILE", help="the earlier run's backbone, if it is not found by itself")
    photos.add_argument("--precision", choices=(FULL, FAST), help="of the features (default: the earlier run's)")
    _add_output_options(made)


def add_report_options(made: argparse.ArgumentParser) -> None:
    """Add the options of a report to a parser."""
    made.add_argument("results", metavar="RESULTS", help="folder of finished results")
    made.add_argument("--lang", choices=LANGUAGES, help="default: as the run was told")
    made.add_argument("--output", metavar="FILE", help="default: report.html in the results")


def most_allowed(limit: str, photos: int) -> int:
    """Return how many of some photos may be rejected.

    Parameters
    ----------
    limit
        A number of photos, like "20", or a share of them, like "5%".
    photos
        How many there are.
    """
    match = _LIMIT.fullmatch(limit.strip())
    if match is None or (match["share"] and float(match["share"]) > 100):
        raise UsageError(
            f"--max-rejected must be a number of photos or a share of them up to 100%, got '{limit}'.",
            "Give a share like 5%, or a number like 20.",
        )
    return int(match["number"]) if match["number"] else int(photos * float(match["share"]) / 100)


def _add_master(where: argparse._ActionsContainer) -> None:
    where.add_argument("--master", metavar="URL", help="where Spark runs (default: all cores of this machine)")


def _add_output_options(made: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    out = made.add_argument_group("results")
    out.add_argument("--output", metavar="URI", help="folder of the results")
    out.add_argument(
        "--csv", action=argparse.BooleanOptionalAction, default=True, help="components as CSV beside Parquet"
    )
    out.add_argument("--max-rejected", metavar="N|N%", help="fail if more photos than this cannot be used")
    there = out.add_mutually_exclusive_group()
    there.add_argument("--resume", action="store_true", help="reuse what the output has, compute what it lacks")
    there.add_argument("--overwrite", action="store_true", help="replace results, once the new ones are complete")
    return out


def _check_shared(given: argparse.Namespace, locations: Sequence[str]) -> None:
    if given.output is None:
        raise UsageError("--output is required.", "Name the folder of the results: --output results/")
    if given.master is not None and not _MASTER.fullmatch(given.master):
        raise UsageError(
            f"Invalid --master '{given.master}'.",
            "Use local[*] for this machine, local[N] for N cores of it, yarn, or spark://HOST:PORT.",
        )
    for name in (*locations, "output", "model"):
        if getattr(given, name) == "":
            raise UsageError(
                f"--{name.replace('_', '-')} must name a folder or file, got an empty text.",
                "Name a folder of this machine, or a URI like s3://BUCKET/FOLDER.",
            )
    if given.max_rejected is not None:
        most_allowed(given.max_rejected, 0)


def _require_holdout(given: argparse.Namespace) -> None:
    if given.holdout is None:
        return
    if not 0 < given.holdout < 1:
        raise UsageError(f"--holdout must be between 0 and 1, got {given.holdout:g}.", "Try --holdout 0.2.")
    if given.classifier == NO_CLASSIFIER:
        raise UsageError(
            "--holdout needs a classifier to test.",
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
        raise UsageError("--labels must name at least one label.", "Separate them with commas: --labels Apple,Avocado.")
    return labels


def _csv_line(label: str) -> str:
    """Return a label as ``--labels`` takes it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([label])
    return line.getvalue()
