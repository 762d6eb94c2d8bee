"""The demonstration: draws sample photos, runs the job on them as a person would, and says where the results are."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local.sample_photos import draw_photos
from job.errors import JobError
from job.export import IMAGENET, RANDOM, ExportRequest, cached_export

BACKBONE = "mobilenet_v2"
TRAINING_ANGLES, TEST_ANGLES = 15, 5
"""Photos a kind of fruit."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the demonstration; return the exit code of the job."""
    given = parser().parse_args(words)
    training, test, output = given.folder / "photos" / "training", given.folder / "photos" / "test", given.folder
    if not test.is_dir():
        drawn = draw_photos(training, TRAINING_ANGLES, seed=1) + draw_photos(test, TEST_ANGLES, seed=2)
        say(f"Drew {drawn} sample photos in {given.folder / 'photos'}")
    weights = choose_weights(given.weights)
    command = job_command(training, test, output / "results", weights)
    say("$ " + " ".join(["python", *command[1:]]))
    return subprocess.run(command, check=False).returncode


def parser() -> argparse.ArgumentParser:
    """Return the parser of the demonstration's own command line."""
    made = argparse.ArgumentParser(prog="make demo", description=__doc__)
    made.add_argument("--folder", type=Path, default=Path("demo"), help="for photos and results (default: %(default)s)")
    made.add_argument("--weights", help="a Keras weights file (default: ImageNet's if they can be had, else random)")
    return made


def choose_weights(asked: str | None) -> str:
    """Return the weights that were asked for, else ImageNet's if this machine has or can get them, else random ones."""
    if asked is not None:
        return asked
    try:
        cached_export(ExportRequest(BACKBONE, IMAGENET, seed=0))
    except JobError as error:
        say(error.what)
        say("The demonstration goes on with random weights: every stage runs, but the features mean nothing.")
        return RANDOM
    return IMAGENET


def job_command(training: Path, test: Path, output: Path, weights: str) -> list[str]:
    """Return the job's command line, as a person would type it."""
    return [
        *(sys.executable, "-m", "job", "--images", str(training), "--test", str(test)),
        *("--backbone", BACKBONE, "--weights", weights, "--output", str(output), "--overwrite"),
    ]


def say(line: str) -> None:
    """Print one line at once, so that it stands before what a child process prints."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
