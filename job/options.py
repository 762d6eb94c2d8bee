"""The options of the job and its parsers; ``orchard run``, ``predict`` and ``report`` have the same options."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, NoReturn

from job.classifiers import COMPONENTS, FEATURES, MODELS
from job.errors import OrchardError, UsageError, did_you_mean
from job.features.network import FLOAT32, IMAGENET, INT8, NO_TRANSFORM, TRANSFORMS, network_name
from job.features.words import options as word_options
from job.images import EXACT, SCALED, WINDOWS
from job.report import LANGUAGES

PREDICT, REPORT = "predict", "report"
"""The first argument of command lines that fit nothing."""

NO_CLASSIFIER, AUTO = "none", "auto"
"""Values of --classifier other than the kinds of classifier."""

DEFAULT_VARIANCE = 0.95

NETWORK_DEFAULTS: Mapping[str, Any] = {"backbone": "mobilenet_v2", "weights": IMAGENET}

DEFAULTS = {**word_options.DEFAULTS, **NETWORK_DEFAULTS}
"""Values of options that the parser of a run leaves at None, so that ``arguments`` can tell which ones were given."""

LARGEST_SEED = 2**32 - 1


class Parser(argparse.ArgumentParser):
    """A parser whose errors are a message and a hint, which names the option or value that was probably meant."""

    usage_error: type[OrchardError] = UsageError
    example = ""  # a command line that works, for hints about arguments that are missing or unknown

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return the arguments; unlike argparse's method, refuse unknown ones here, where the options are known."""
        argv = sys.argv[1:] if args is None else args
        if self._subparsers is None:
            # First, because a misspelled option that is required is missing too.
            self._require_known(argv)
        given, rest = super().parse_known_args(argv, namespace)
        if rest:
            raise self._failure(f"Unknown argument '{rest[0]}'.")
        return given, rest

    def error(self, message: str) -> NoReturn:
        """Raise the usage error for a message of argparse."""
        failed = sys.exception()
        if isinstance(failed, argparse.ArgumentError) and failed.argument_name:
            verb = "is " if failed.message.startswith("not ") else ""
            message = f"{failed.argument_name} {verb}{failed.message}"
        raise self._failure(f"{message[:1].upper()}{message[1:]}.")

    def _require_known(self, argv: Sequence[str]) -> None:
        """Raise the usage error for the first option that is neither known nor the start of a known one."""
        known = [option for action in self._actions for option in action.option_strings]
        for word in takewhile(lambda word: word != "--", argv):
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in known):
                raise self._failure(f"Unknown argument '{name}'.", did_you_mean(name, known))

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        name, choices = argparse.ArgumentError(action, "").argument_name, [str(each) for each in action.choices]
        raise self._failure(
            f"{name} must be one of {', '.join(choices)}, got '{value}'.", did_you_mean(str(value), choices)
        )

    def _failure(self, message: str, suggestion: str = "") -> OrchardError:
        example = f"For instance: {self.example} - see: " if self.example and not suggestion else "See: "
        return self.usage_error(message, f"{suggestion}{example}{self.prog} --help")


def whole_number(text: str) -> int:
    """Return the value of an option that is a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got '{text}'") from None


def share(text: str) -> float:
    """Return the value of an option that is a share: 0.2 for "0.2" and for "20%"."""
    number = text.strip()
    try:
        return float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a share like 0.2 or 20%, got '{text}'") from None


def run_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job``."""
    parser = Parser(
        prog="python -m job",
        usage=(
            "%(prog)s --images FOLDER --output FOLDER [options]\n"
            f"       %(prog)s {PREDICT} --results FOLDER --images FOLDER --output FOLDER\n"
            f"       %(prog)s {REPORT} FOLDER [options]"
        ),
        description=(
            "Extract features from a folder of photos, reduce them with PCA, train a\n"
            f"classifier. {PREDICT} applies a finished run to other photos, {REPORT} renders\n"
            "its report again; both have a --help of their own."
        ),
        epilog=(
            "Example:\n"
            "  python -m job --images photos/ --output results/ --classifier logistic --holdout 20%\n"
            f"  python -m job {PREDICT} --results results/ --images new-photos/ --output predictions/\n"
            f"  python -m job {REPORT} results/ --lang fr"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_options(parser, parser)
    _add_debug(parser)
    return parser


def predict_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job predict``."""
    parser = Parser(
        prog=f"python -m job {PREDICT}",
        usage="%(prog)s --results FOLDER --images FOLDER --output FOLDER [options]",
        description="Apply the components and the classifier of a finished run to other photos, without fitting.",
        epilog=f"Example:\n  python -m job {PREDICT} --results results/ --images new-photos/ --output predictions/",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_predict_options(parser, parser)
    _add_debug(parser)
    return parser


def report_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m job report``."""
    parser = Parser(
        prog=f"python -m job {REPORT}",
        usage="%(prog)s FOLDER [options]",
        description="Render the report of a finished run again, for instance in another language.",
        epilog=f"Example:\n  python -m job {REPORT} results/ --lang fr --output rapport.html",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_report_options(parser)
    _add_debug(parser)
    return parser


def add_run_options(parser: argparse.ArgumentParser, where: argparse._ActionsContainer) -> None:
    """Add the options of a run to a parser in groups; ``--master`` goes to ``where``."""
    _add_master(where)
    photos = parser.add_argument_group("photos")
    which = photos.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--images",
        metavar="FOLDER",
        help="photos to fit, also in a .zip, a .tar or tar shards; a photo's folder is its label",
    )
    which.add_argument(
        "--image-list",
        metavar="FILE",
        help="list of photos to fit, instead of --images: CSV or Parquet with columns path and, if wanted, "
        "label, or the manifest.json of an S3 Inventory",
    )
    tested = photos.add_mutually_exclusive_group()
    tested.add_argument("--test", metavar="FOLDER", help="test photos, in folders like those of --images")
    tested.add_argument(
        "--holdout", metavar="SHARE", type=share, help="share of the photos to test on, like 0.2 or 20%%"
    )
    photos.add_argument(
        "--folds",
        metavar="K",
        type=whole_number,
        help="also cross-validate the classifier in K folds, by group",
    )
    photos.add_argument("--predict", metavar="FOLDER", help="photos without labels, to project and to classify")
    photos.add_argument(
        "--labels",
        metavar="A,B",
        action="append",
        help="use only photos with these labels (default: all); quote a label with a comma: 'A,\"B, C\"'",
    )
    photos.add_argument(
        "--label-pattern",
        metavar="REGEX",
        help="label of a photo: the first group of this regular expression in its path inside the folder, like "
        "'^([^/]+)/' (default: the last folder)",
    )
    photos.add_argument(
        "--group-pattern",
        metavar="REGEX",
        help="keep photos with the same first group of this regular expression together, on one side of --holdout "
        "and --folds",
    )
    photos.add_argument("--per-label", metavar="N", type=whole_number, help="use at most N photos per label")
    photos.add_argument(
        "--seed",
        metavar="N",
        type=whole_number,
        default=0,
        help="seed of all random choices (default: %(default)s)",
    )
    photos.add_argument(
        "--decode",
        choices=(EXACT, SCALED),
        default=EXACT,
        help="exact: decode every pixel (default); scaled: large JPEGs at a fraction of their size, faster",
    )

    network = parser.add_argument_group("features from a network")
    network.add_argument("--model", metavar="FILE", help="exported backbone, not --backbone and --weights")
    add_backbone_options(network)
    network.add_argument(
        "--precision",
        choices=(FLOAT32, INT8),
        default=FLOAT32,
        help="float32: as exported (default); int8: quantized with 300 of the training photos",
    )
    network.add_argument(
        "--views",
        metavar="N",
        type=whole_number,
        choices=tuple(WINDOWS),
        default=1,
        help="average the features of N views of a photo: 1, 3, 5 or 9 (default: 1)",
    )
    network.add_argument(
        "--feature-transform",
        metavar="NAME",
        choices=TRANSFORMS,
        default=NO_TRANSFORM,
        help="sqrt: square roots of the features (default: none)",
    )

    word_options.add_to(parser)
    # None says that an option was not given.
    parser.set_defaults(**dict.fromkeys(DEFAULTS))

    components = parser.add_argument_group("components and classifier")
    components.add_argument(
        "--no-standardize",
        dest="standardize",
        action="store_false",
        help="only center features, without scaling them",
    )
    kept = components.add_mutually_exclusive_group()
    kept.add_argument("--components", metavar="K", type=whole_number, help="keep K principal components")
    kept.add_argument(
        "--variance",
        metavar="SHARE",
        type=share,
        help=f"keep components for this share (default: {DEFAULT_VARIANCE:.0%}%; with visual words: 7 components per "
        "10 words)",
    )
    components.add_argument(
        "--classifier",
        metavar="KIND",
        choices=(NO_CLASSIFIER, AUTO, *MODELS),
        default=NO_CLASSIFIER,
        help=f"train a classifier: {', '.join(MODELS)}; {AUTO}: the best on held-out training photos "
        f"(default: {NO_CLASSIFIER})",
    )
    components.add_argument(
        "--classify-on",
        choices=(COMPONENTS, FEATURES),
        default=COMPONENTS,
        help="inputs of the classifier (default: %(default)s)",
    )
    unknown = components.add_mutually_exclusive_group()
    add_rejection(unknown)
    unknown.add_argument(
        "--wanted-precision",
        metavar="P",
        type=share,
        help="choose --reject-below for this precision, like 95%%",
    )

    _add_output_options(parser)


def add_backbone_options(parser: argparse._ActionsContainer) -> None:
    """Add the options that name a backbone to export."""
    parser.add_argument(
        "--backbone",
        metavar="NAME",
        type=network_name,
        default=NETWORK_DEFAULTS["backbone"],
        help=f"network for the features (default: {NETWORK_DEFAULTS['backbone']})",
    )
    parser.add_argument(
        "--weights",
        metavar="WEIGHTS",
        default=NETWORK_DEFAULTS["weights"],
        help="imagenet (default), random or a Keras weights file",
    )


def add_rejection(parser: argparse._ActionsContainer, when: str = "") -> None:
    """Add the option that makes photos unknown; ``when`` begins its help."""
    parser.add_argument(
        "--reject-below",
        metavar="P",
        type=share,
        help=f"{when}label photos 'unknown' that are less probable than P, like 50%%, or unlike all training photos",
    )


def add_predict_options(parser: argparse.ArgumentParser, where: argparse._ActionsContainer) -> None:
    """Add the options of a prediction to a parser; ``--master`` goes to ``where``."""
    _add_master(where)
    photos = parser.add_argument_group("photos and features")
    photos.add_argument("--results", metavar="FOLDER", required=True, help="results of the run to apply")
    photos.add_argument("--images", metavar="FOLDER", required=True, help="photos to predict; folder names are ignored")
    photos.add_argument("--model", metavar="FILE", help="backbone of that run (default: found or exported again)")
    add_rejection(photos)
    photos.add_argument(
        "--multiple", action="store_true", help="also find several objects in each photo, with their boxes, in objects/"
    )
    _add_output_options(parser)


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a report to a parser."""
    parser.add_argument("results", metavar="FOLDER", help="results of a finished run")
    parser.add_argument("--lang", choices=LANGUAGES, help="language of the report (default: the run's)")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: report.html in the results)")
    parser.add_argument(
        "--map", action="store_true", help="also draw a map of the photos, by t-SNE (needs scikit-learn)"
    )


def _add_master(where: argparse._ActionsContainer) -> None:
    where.add_argument(
        "--master",
        metavar="URL",
        help="where Spark runs, like local[2] or spark://HOST:PORT (default: all cores of this machine)",
    )


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug", action="store_true", help="print the traceback of a failure")


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    out = parser.add_argument_group("results")
    out.add_argument("--output", metavar="FOLDER", help="folder to write the results to")
    out.add_argument(
        "--csv", action=argparse.BooleanOptionalAction, default=True, help="write components as CSV too (default: yes)"
    )
    out.add_argument("--max-rejected", metavar="N|N%", help="fail if more photos are rejected, like 20 or 5%%")
    there = out.add_mutually_exclusive_group()
    there.add_argument("--resume", action="store_true", help="reuse features in --output, compute missing ones")
    there.add_argument("--overwrite", action="store_true", help="replace results in --output when the run is done")
    out.add_argument("--lang", choices=LANGUAGES, default=LANGUAGES[0], help="language of report.html (default: en)")
