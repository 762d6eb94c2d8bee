"""Check the options of the job, as far as the arguments alone allow it."""

import argparse
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from job.classifiers import MODELS
from job.errors import UsageError
from job.features.network import require_network
from job.features.words.options import CNN
from job.features.words.options import checked as checked_words
from job.images import groups
from job.images import labels as label_rules
from job.options import (
    DEFAULT_VARIANCE,
    DEFAULTS,
    LARGEST_SEED,
    NETWORK_DEFAULTS,
    NO_CLASSIFIER,
    PREDICT,
    predict_parser,
    report_parser,
    run_parser,
)

_MASTER = re.compile(r"local|local\[(\*|\d+)(,\s*\d+)?\]|local-cluster\[\d+,\s*\d+,\s*\d+\]|yarn|(spark|k8s)://\S+")

_LIMIT = re.compile(r"(?P<number>\d+)|(?P<share>\d+(\.\d+)?)\s*%")


class _Checked:
    """Checked arguments, as the manifest and a command line have them."""

    def as_manifest(self) -> dict[str, Any]:
        """Return the manifest's entry "arguments"."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    def _options(self, parser: argparse.ArgumentParser) -> list[str]:
        """Return the shortest options that a parser reads as these arguments."""
        argv = []
        for name, value in vars(self).items():
            option = name.replace("_", "-")
            if value is None or value == DEFAULTS.get(name, parser.get_default(name)):
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
    """Checked arguments of a run; ``python -m job --help`` explains them."""

    images: str | None
    image_list: str | None
    output: str
    test: str | None
    holdout: float | None
    folds: int | None
    predict: str | None
    labels: tuple[str, ...] | None
    label_pattern: str | None
    group_pattern: str | None
    per_label: int | None
    seed: int
    decode: str
    model: str | None
    backbone: str
    weights: str
    precision: str
    views: int
    feature_transform: str
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
    reject_below: float | None
    wanted_precision: float | None
    csv: bool
    max_rejected: str | None
    resume: bool
    overwrite: bool
    lang: str
    master: str | None
    debug: bool

    def as_argv(self) -> list[str]:
        """Return the shortest argv of ``python -m job`` for these arguments."""
        return self._options(run_parser())


@dataclass(frozen=True)
class PredictArguments(_Checked):
    """Checked arguments of ``python -m job predict``; its ``--help`` explains them."""

    results: str
    images: str
    output: str
    model: str | None
    reject_below: float | None
    multiple: bool
    csv: bool
    max_rejected: str | None
    resume: bool
    overwrite: bool
    lang: str
    master: str | None
    debug: bool

    def as_argv(self) -> list[str]:
        """Return the shortest argv of ``python -m job`` for these arguments."""
        return [PREDICT, *self._options(predict_parser())]


@dataclass(frozen=True)
class ReportArguments:
    """Arguments of ``python -m job report``; its ``--help`` explains them."""

    results: str
    output: str | None
    lang: str | None
    map: bool


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Return the checked arguments of a run; None means ``sys.argv``."""
    return checked(run_parser().parse_args(argv))


def parse_predict(argv: Sequence[str]) -> PredictArguments:
    """Return the checked arguments of ``python -m job predict``, without the word ``predict``."""
    return checked_predict(predict_parser().parse_args(argv))


def parse_report(argv: Sequence[str]) -> ReportArguments:
    """Return the arguments of ``python -m job report``, without the word ``report``."""
    return checked_report(report_parser().parse_args(argv))


def checked(given: argparse.Namespace) -> Arguments:
    """Check what a parser with ``options.add_run_options`` returned, and fill in all defaults."""
    _check_shared(given, ("images", "image_list", "test", "predict", "vocabulary"))
    if not 0 <= given.seed <= LARGEST_SEED:
        raise UsageError(f"--seed must be between 0 and {LARGEST_SEED}, got {given.seed}.", "For instance: --seed 1")
    _check_components(given)
    label_rules.compiled(given.label_pattern)
    groups.compiled(given.group_pattern)
    if given.per_label is not None and given.per_label < 1:
        raise UsageError(f"--per-label must be at least 1, got {given.per_label}.", "For instance: --per-label 100")
    _check_holdout(given)
    _check_folds(given)
    _check_rejection(given)
    values = {field.name: getattr(given, field.name) for field in fields(Arguments)}
    if given.components is None and given.variance is None and given.descriptor == CNN:
        values["variance"] = DEFAULT_VARIANCE
    return Arguments(**{**values, **_network(given), **checked_words(given), "labels": _labels(given.labels)})


def checked_predict(given: argparse.Namespace) -> PredictArguments:
    """Check what a parser with ``options.add_predict_options`` returned."""
    _check_shared(given, ("results", "images"))
    return PredictArguments(**{field.name: getattr(given, field.name) for field in fields(PredictArguments)})


def checked_report(given: argparse.Namespace) -> ReportArguments:
    """Return what a parser with ``options.add_report_options`` returned."""
    return ReportArguments(given.results, given.output, given.lang, given.map)


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
            f"--max-rejected must be a number of photos or a share up to 100%, got '{limit}'.",
            "For instance: --max-rejected 20 or --max-rejected 5%",
        )
    return int(match["number"]) if match["number"] else int(photos * float(match["share"]) / 100)


def require_probability(reject_below: float) -> None:
    """Raise UsageError if --reject-below is not a probability."""
    if not 0 <= reject_below <= 1:
        raise UsageError(
            f"--reject-below must be between 0 and 1 (100%), got {reject_below:g}.",
            "For instance: --reject-below 0.5 or --reject-below 50%",
        )


def _check_shared(given: argparse.Namespace, locations: Sequence[str]) -> None:
    if given.output is None:
        raise UsageError("--output is required.", "Name a folder for the results: --output results/")
    if given.master is not None and not _MASTER.fullmatch(given.master):
        raise UsageError(
            f"--master must be local[N], yarn or spark://HOST:PORT, got '{given.master}'.",
            "Leave it out to use all cores of this machine.",
        )
    for name in (*locations, "output", "model"):
        if getattr(given, name) == "":
            raise UsageError(
                f"--{name.replace('_', '-')} must be a path or a URI, got an empty string.",
                "Use a path of this machine, or a URI like s3://BUCKET/FOLDER.",
            )
    if given.max_rejected is not None:
        most_allowed(given.max_rejected, 0)
    if given.reject_below is not None:
        require_probability(given.reject_below)


def _check_components(given: argparse.Namespace) -> None:
    if given.variance is not None and not 0 < given.variance <= 1:
        raise UsageError(
            f"--variance must be above 0 and at most 1 (100%), got {given.variance:g}.",
            "For instance: --variance 0.95 or --variance 95%",
        )
    if given.components is not None and given.components < 1:
        raise UsageError(f"--components must be at least 1, got {given.components}.", "For instance: --components 50")


def _check_holdout(given: argparse.Namespace) -> None:
    if given.holdout is None:
        return
    if not 0 < given.holdout < 1:
        raise UsageError(
            f"--holdout must be above 0 and below 1 (100%), got {given.holdout:g}.",
            "For instance: --holdout 0.2 or --holdout 20%",
        )
    if given.classifier == NO_CLASSIFIER:
        raise UsageError(
            f"--holdout requires a classifier to test, got --classifier {NO_CLASSIFIER}.",
            f"Add --classifier {next(iter(MODELS))}, or leave out --holdout.",
        )


def _check_folds(given: argparse.Namespace) -> None:
    if given.folds is None:
        return
    if given.folds < 2:
        raise UsageError(f"--folds must be at least 2, got {given.folds}.", "For instance: --folds 5")
    if given.holdout is not None:
        raise UsageError(
            "--folds and --holdout cannot be combined: every photo is tested in one of the folds.",
            "Leave out one of the two.",
        )
    if given.classifier == NO_CLASSIFIER:
        raise UsageError(
            f"--folds requires a classifier to test, got --classifier {NO_CLASSIFIER}.",
            f"Add --classifier {next(iter(MODELS))}, or leave out --folds.",
        )


def _check_rejection(given: argparse.Namespace) -> None:
    if given.wanted_precision is not None and not 0 < given.wanted_precision < 1:
        raise UsageError(
            f"--wanted-precision must be above 0 and below 1 (100%), got {given.wanted_precision:g}.",
            "For instance: --wanted-precision 0.95 or --wanted-precision 95%",
        )
    for name in ("reject-below", "wanted-precision"):
        if getattr(given, name.replace("-", "_")) is not None and given.classifier == NO_CLASSIFIER:
            raise UsageError(
                f"--{name} requires a classifier, got --classifier {NO_CLASSIFIER}.",
                f"Add --classifier {next(iter(MODELS))}, or leave out --{name}.",
            )


def _network(given: argparse.Namespace) -> dict[str, Any]:
    """Return the options that name a network, also where another option makes them meaningless."""
    stated = {name: getattr(given, name) for name in NETWORK_DEFAULTS if getattr(given, name) is not None}
    instead = "--model" if given.model is not None else f"--descriptor {given.descriptor}"
    if stated and (given.model is not None or given.descriptor != CNN):
        raise UsageError(f"--{next(iter(stated))} cannot be combined with {instead}.", "Leave out one of the two.")
    network = {**NETWORK_DEFAULTS, **stated}
    if given.model is None:
        require_network(network["backbone"])
    return network


def _labels(given: Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    try:
        named = [label for row in csv.reader(given, skipinitialspace=True, strict=True) for label in row]
    except csv.Error as error:
        raise UsageError(
            f"--labels must be a line of CSV, got {' '.join(given)}: {error}.",
            "Quote a label that has a comma: --labels 'Apple,\"Plum, red\"'",
        ) from error
    labels = tuple(dict.fromkeys(label.strip() for label in named if label.strip()))
    if not labels:
        raise UsageError(
            f"--labels must name at least one label, got '{' '.join(given)}'.", "For instance: --labels Apple,Avocado"
        )
    return labels


def _csv_line(label: str) -> str:
    """Return a label as ``--labels`` takes it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([label])
    return line.getvalue()
