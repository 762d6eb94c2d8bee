"""Measures the job on photos in an S3 with latency.

    python -m bench.late_s3 PHOTOS OUTPUT --model EXPORTED [--delay 0.02]

The photos are put into the S3 stub first. Results are written to a folder of this machine, so that only reading is
compared. Prints the line that ``make bench`` reads from other commands, and the stub's own processor time.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench.running_stub import environment, put, report, running

SENDERS = 4
SET = "photos"
LIMIT = 4 * 2**30
"""Limit of the stub's content, in bytes."""


def main(words: list[str] | None = None) -> int:
    """Run the job once; print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.late_s3", description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("output", type=Path, help="folder for the results")
    parser.add_argument("--model", required=True, help="an exported backbone")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer (default: %(default)s)")
    given = parser.parse_args(words)
    with running("--delay", str(given.delay), "--limit", str(LIMIT)) as endpoint:
        send(given.photos, endpoint)
        before = report(endpoint)["processor_seconds"]
        command = [sys.executable, "-m", "job", "--images", f"s3://data/{SET}", "--model", given.model]
        subprocess.run([*command, "--output", str(given.output)], env=environment(endpoint), check=True)
        processor = report(endpoint)["processor_seconds"] - before
    manifest = json.loads((given.output / "manifest.json").read_text())
    images = manifest["counts"]["used"]
    seconds = manifest["seconds"]["features"]
    said = {"images": images, "img_per_s": images / seconds, "list_s": manifest["seconds"]["list"]}
    print(json.dumps({**said, "stub_processor_s": round(processor, 2)}))
    return 0


def send(photos: Path, endpoint: str) -> None:
    """Put every photo of a folder into the stub, with its path in the folder as key."""
    files = {f"data/{SET}/{file.relative_to(photos)}": file for file in sorted(photos.rglob("*")) if file.is_file()}
    put(list(files), lambda key: files[key].read_bytes(), endpoint, SENDERS)


if __name__ == "__main__":
    sys.exit(main())
