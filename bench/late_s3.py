"""Measures the job on photos, single or in shards, in an S3 with latency.

    python -m bench.late_s3 PHOTOS OUTPUT --model EXPORTED [--delay 0.02]

The photos are put into the S3 stub first. Results are written to a folder of this machine, so that only reading is
compared. Prints the line that ``make bench`` reads from other commands, the requests, and the stub's own processor
time.
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


def main(argv: list[str] | None = None) -> int:
    """Run the job once; print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.late_s3", description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photos or shards")
    parser.add_argument("output", type=Path, help="folder for the results")
    parser.add_argument("--model", required=True, help="an exported backbone")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer (default: %(default)s)")
    given = parser.parse_args(argv)
    with running("--delay", str(given.delay), "--limit", str(LIMIT)) as endpoint:
        send(given.photos, endpoint)
        before = report(endpoint)
        command = [sys.executable, "-m", "job", "--images", f"s3://data/{SET}", "--model", given.model]
        command += ["--output", str(given.output), "--components", "50"]
        subprocess.run(command, env=environment(endpoint), check=True)
        after = report(endpoint)
    used: dict[str, float] = {name: after[name] - before.get(name, 0) for name in after}
    requests: dict[str, float] = {name: used[name] for name in ("GET", "HEAD") if name in used}
    manifest = json.loads((given.output / "manifest.json").read_text())
    images = manifest["counts"]["used"]
    seconds = manifest["seconds"]["features"]
    said: dict[str, float] = {
        "images": images,
        "img_per_s": images / seconds,
        "list_s": manifest["seconds"]["list"],
        **requests,
    }
    print(json.dumps({**said, "stub_processor_s": round(used["processor_seconds"], 2)}))
    return 0


def send(photos: Path, endpoint: str) -> None:
    """Put every photo of a folder into the stub, with its path in the folder as key."""
    files = {f"data/{SET}/{file.relative_to(photos)}": file for file in sorted(photos.rglob("*")) if file.is_file()}
    put(list(files), lambda key: files[key].read_bytes(), endpoint, SENDERS)


if __name__ == "__main__":
    sys.exit(main())
