"""``python -m job``: one run from the command line."""

import sys
import traceback
from collections.abc import Sequence
from typing import Any

from job import arguments, pipeline
from job.errors import JobError

INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C ended."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the job and say what came out; return the exit code."""
    words = sys.argv[1:] if words is None else words
    try:
        given = arguments.parse(words)
        manifest = pipeline.run(given)
    except JobError as error:
        if "--debug" in words:
            traceback.print_exc()
        sys.stderr.write(f"error: {error.what}\n{error.remedy}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted before the results were complete.\nRun it again with --overwrite.\n")
        return INTERRUPTED
    sys.stdout.write(summary(manifest, given.output))
    return 0


def summary(manifest: dict[str, Any], output: str) -> str:
    """Return what a finished run tells the person."""
    counts, components, seconds = manifest["counts"], manifest["components"], manifest["seconds"]
    needed = ", ".join(f"{float(share):.0%} need {count}" for share, count in components["needed"].items())
    rate = counts["found"] / seconds["features"]
    lines = [
        f"{counts['used']:,} of {counts['found']:,} photos used, {counts['rejected']:,} rejected.",
        f"Features at {rate:,.0f} photos a second.",
        f"{components['kept']} components keep {components['variance_kept']:.2%} of the variance; {needed}.",
        f"Results: {output}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
