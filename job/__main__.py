"""``python -m job``: one run from the command line; ``python -m job predict``: an earlier one, applied."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from job import arguments, pipeline, predict
from job.errors import InterruptedRunError, OrchardError, RunFailedError, mapping
from job.errors.console import printable, tell
from job.features.extractor import extraction_seconds
from job.report import command, making
from job.results import layout
from job.storage import uri


def main(words: Sequence[str] | None = None) -> int:
    """Run the job and say what came out; return the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    if threading.current_thread() is threading.main_thread():
        # Whoever ends the program politely gets what Ctrl-C gets: everything is put away first.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        said = _run(words)
    except OrchardError as error:
        return tell(error, words)
    except KeyboardInterrupt:
        message = "Interrupted before the results were complete."
        return tell(InterruptedRunError(message, "Go on with it: the same command with --resume."), words)
    except Exception as error:  # noqa: BLE001 - a person is never shown a trace that was not asked for
        message = f"The run failed: {type(error).__name__}: {mapping.one_line(error)}."
        return tell(RunFailedError(message, "Run it again with --debug for the whole trace."), words)
    sys.stdout.write(printable(said))
    return 0


def _run(words: Sequence[str]) -> str:
    """Do what was asked for; return what the person is told at the end."""
    if words[:1] == [command.WORD]:
        return command.run(words[1:])
    if words[:1] == ["predict"]:
        prediction = arguments.parse_predict(words[1:])
        return summary(predict.run(prediction, dict(os.environ)), prediction.output)
    given = arguments.parse(words)
    return summary(pipeline.run(given), given.output)


def summary(manifest: dict[str, Any], output: str) -> str:
    """Return what a finished run tells the person."""
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
        lines.append(f"To look at: {uri.join(output, layout.REPORT)}")
    return "\n".join(lines) + "\n"


def _classifier_lines(classifier: dict[str, Any] | None) -> list[str]:
    if classifier is None:
        return []
    trained = f"Classifier {classifier['kind']}: {classifier['labels']} labels, {classifier['trained_on']:,} photos"
    if classifier["accuracy"] is None:
        return [f"{trained}; not tested."]
    accuracy, photos = classifier["accuracy"], classifier["evaluated_on"]
    return [f"{trained}; {accuracy:.2%} of {photos:,} test photos right, macro-F1 {classifier['macro_f1']:.3f}."]


if __name__ == "__main__":
    sys.exit(main())
