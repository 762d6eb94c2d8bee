"""Times the job and another command on the same photos in interleaved rounds; prints medians and their ratio.

For example: python -m bench.against --photos PHOTOS --weights FILE --other 'python notebook.py PHOTOS OUT FILE'
"""

import argparse
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.against", description=__doc__)
    parser.add_argument("--photos", required=True, help="folder of photos")
    parser.add_argument("--weights", required=True, help="weights file, or random")
    parser.add_argument("--components", default="50", help="how many are kept (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="how often both are timed (default: %(default)s)")
    parser.add_argument("--other", required=True, help="the other command, as one word")
    given = parser.parse_args(argv)
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    ours, theirs = [], []
    for number in range(given.pairs):
        theirs.append(seconds(shlex.split(given.other)))
        with tempfile.TemporaryDirectory() as folder:
            ours.append(seconds(job_command(given, Path(folder) / "results")))
        print(f"pair {number + 1}: other {theirs[-1]:.1f} s, job {ours[-1]:.1f} s")
    job, other = statistics.median(ours), statistics.median(theirs)
    print(f"medians: other {other:.1f} s, job {job:.1f} s, ratio {other / job:.2f}")
    return 0


def job_command(given: argparse.Namespace, output: Path) -> list[str]:
    """Return the job's command line."""
    return [
        *(sys.executable, "-m", "job", "--images", given.photos, "--weights", given.weights),
        *("--components", given.components, "--output", str(output)),
    ]


def seconds(command: Sequence[str]) -> float:
    """Return how long a command takes; stop at one that fails."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
