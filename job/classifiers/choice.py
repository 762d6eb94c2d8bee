"""Choose the kind of classifier by the photos: ``--classifier auto``; docs/decisions/0141-classifier-auto.md."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from job.classifiers import folds
from job.classifiers.folds import FoldContext, Folds, Outcome
from job.classifiers.models import DISCRIMINANT, LOGISTIC, PERCEPTRON
from job.classifiers.training import Training
from job.results.progress import Progress

COMPARED = (DISCRIMINANT, LOGISTIC, PERCEPTRON, "forest")
"""The kinds that are compared; of equally accurate ones, the first is chosen. A single tree is never the best."""

LARGEST_COMPARED = 20_000
"""Training photos; with more, every kind but the discriminant takes minutes, and is left out."""

Parameters = Callable[[str, int], Mapping[str, Any]]
"""Returns the parameters of a kind that differ from the defaults, for a number of inputs."""


def kinds_for(training_photos: int) -> tuple[str, ...]:
    """Return the kinds that suit a number of training photos."""
    return COMPARED if training_photos <= LARGEST_COMPARED else COMPARED[:1]


def compare(
    context: FoldContext, held_out: Folds, asked: Training, parameters: Parameters, progress: Progress
) -> tuple[list[dict[str, Any]], Outcome]:
    """Return what each kind reaches on held-out training photos, the best kind first, and the outcome of the best.

    Everything is fitted without the held-out photos. Photos to test are not read.

    Parameters
    ----------
    held_out
        The photos of fold 0 are held out.
    asked
        The training of the final classifier, of any kind.
    """
    kinds = kinds_for(sum(asked.photos.values()))
    done = context.spark.accumulator(0)
    outcomes = {}
    with progress.counted_stage("compare", len(kinds), done):
        fold = folds.hold_out(context, held_out, asked)
        for kind in kinds:
            training = replace(fold.asked, kind=kind, parameters=parameters(kind, fold.asked.width))
            outcomes[kind] = folds.test(context, replace(fold, asked=training))
            done.add(1)
    rows = sorted((_row(*entry) for entry in outcomes.items()), key=lambda row: -(row["accuracy"] or 0))
    return rows, outcomes[rows[0]["classifier"]]


def sentence(compared: Sequence[Mapping[str, Any]]) -> str:
    """Return the line that the run prints on a comparison."""
    figures = ", ".join(f"{row['classifier']} {row['accuracy'] or 0:.1%}" for row in compared)
    photos = compared[0]["evaluated_on"]
    return f"Compared on {photos:,} held-out training photos: {figures}. Using {compared[0]['classifier']}."


def _row(kind: str, outcome: Outcome) -> dict[str, Any]:
    evaluation = outcome.evaluation
    return {
        "classifier": kind,
        "accuracy": evaluation.accuracy,
        "macro_f1": evaluation.macro_f1,
        "trained_on": outcome.trained_on,
        "evaluated_on": evaluation.photos,
    }
