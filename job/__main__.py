"""``python -m job``: one run from the command line; ``predict`` applies an earlier one, ``report`` draws it again."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from job import arguments, options, pipeline, predict, storage
from job.arguments import Arguments, PredictArguments, ReportArguments
from job.classifiers import COMPONENTS
from job.errors import InterruptedRunError, OrchardError, RunFailedError, one_line, printable, tell
from job.features.extractor import extraction_seconds
from job.report import command, making
from job.results import layout


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and print what came out; return the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        said = carry_out(parse(argv))
    except OrchardError as error:
        return tell(error, argv)
    sys.stdout.write(printable(said))
    return 0


def parse(argv: Sequence[str]) -> Arguments | PredictArguments | ReportArguments:
    """Return the checked arguments of a command line."""
    if argv[:1] == [options.PREDICT]:
        return arguments.parse_predict(argv[1:])
    if argv[:1] == [options.REPORT]:
        return arguments.parse_report(argv[1:])
    return arguments.parse(argv)


def carry_out(asked: Arguments | PredictArguments | ReportArguments) -> str:
    """Do what was asked for; return the text to print at the end.

    Raises
    ------
    OrchardError
        Whatever failed, and for Ctrl-C and SIGTERM.
    """
    if threading.current_thread() is threading.main_thread():
        # Handle SIGTERM like Ctrl-C: clean up first.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if isinstance(asked, ReportArguments):
            return command.run(asked.results, asked.output, asked.lang)
        if isinstance(asked, PredictArguments):
            return summary(predict.run(asked, dict(os.environ)), asked.output)
        return summary(pipeline.run(asked), asked.output)
    except OrchardError:
        raise
    except KeyboardInterrupt as interrupt:
        raise InterruptedRunError(
            "Interrupted before the results were complete.", "Go on with it: the same command with --resume."
        ) from interrupt
    except Exception as error:
        raise RunFailedError(
            f"The run failed: {type(error).__name__}: {one_line(error)}.",
            "Run it again with --debug for the whole trace.",
        ) from error


def summary(manifest: dict[str, Any], output: str) -> str:
    """Return what to print of a finished run."""
    counts, components, seconds = manifest["counts"], manifest["components"], manifest["seconds"]
    needed = ", ".join(
        f"{float(share):.0%} need {count}" for share, count in components["components_for_variance"].items()
    )
    kept = components["kept"]
    resumed = manifest.get("resumed") or {"reused": 0, "computed": counts["found"]}
    reused, rate = resumed["reused"], resumed["computed"] / extraction_seconds(seconds)
    lines = [
        f"{counts['used']:,} of {counts['found']:,} photos used, {counts['rejected']:,} rejected.",
        *([f"{reused:,} were reused from an earlier run."] if reused else []),
        f"Features at {rate:,.0f} photos a second.",
        f"{kept} component{'s' if kept != 1 else ''} for {components['variance_kept']:.2%} of the variance; {needed}.",
        *_classifier_lines(manifest.get("classifier")),
        f"Results: {output}",
    ]
    if manifest["files"].get(making.FILES):
        lines.append(f"To look at: {storage.join(output, layout.REPORT)}")
    return "\n".join(lines) + "\n"


def _classifier_lines(classifier: dict[str, Any] | None) -> list[str]:
    if classifier is None:
        return []
    kind = f"{classifier['kind']} on {classifier.get('classify_on', COMPONENTS)}"
    trained = f"Classifier {kind}: {classifier['labels']} labels, {classifier['trained_on']:,} photos"
    if classifier["accuracy"] is None:
        return [f"{trained}; not tested."]
    accuracy, photos = classifier["accuracy"], classifier["evaluated_on"]
    return [f"{trained}; {accuracy:.2%} of {photos:,} test photos right, macro-F1 {classifier['macro_f1']:.3f}."]


if __name__ == "__main__":
    sys.exit(main())
