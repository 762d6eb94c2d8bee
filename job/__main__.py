"""``python -m job``: a run, or with ``predict`` or ``report`` as its first argument a prediction or a report."""

import os
import signal
import sys
import threading
from collections.abc import Sequence

from job import arguments, options, pipeline, predict
from job.arguments import Arguments, PredictArguments, ReportArguments
from job.errors import InterruptedRunError, OrchardError, RunFailedError, one_line, printable, tell
from job.report import command
from job.report.summary import summary
from job.spark import own_process


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and print its summary; return the exit code."""
    if argv is None:
        own_process.begin()
        argv = sys.argv[1:]
    argv = list(argv)
    try:
        text = carry_out(parse(argv))
    except OrchardError as error:
        return tell(error, argv)
    sys.stdout.write(printable(text))
    return 0


def parse(argv: Sequence[str]) -> Arguments | PredictArguments | ReportArguments:
    """Return the checked arguments of a command line."""
    if argv[:1] == [options.PREDICT]:
        return arguments.parse_predict(argv[1:])
    if argv[:1] == [options.REPORT]:
        return arguments.parse_report(argv[1:])
    return arguments.parse(argv)


def carry_out(asked: Arguments | PredictArguments | ReportArguments) -> str:
    """Run, predict or report; return the text to print at the end.

    Raises
    ------
    OrchardError
        For every failure, Ctrl-C and SIGTERM.
    """
    if threading.current_thread() is threading.main_thread():
        # Handle SIGTERM like Ctrl-C: clean up first.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if isinstance(asked, ReportArguments):
            return command.run(asked.results, asked.output, asked.lang, asked.map)
        if isinstance(asked, PredictArguments):
            return summary(predict.run(asked, dict(os.environ)), asked.output)
        return summary(pipeline.run(asked), asked.output)
    except OrchardError:
        raise
    except KeyboardInterrupt as interrupt:
        raise InterruptedRunError(
            "Interrupted before the results were complete.", "To continue, add --resume to the same command."
        ) from interrupt
    except Exception as error:
        raise RunFailedError(
            f"The run failed: {type(error).__name__}: {one_line(error)}.",
            "Add --debug to the same command for the traceback.",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
