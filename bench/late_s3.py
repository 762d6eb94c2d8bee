"""Runs the job on photos in an S3 that answers late: what waiting for storage costs.

    python -m bench.late_s3 PHOTOS OUTPUT --model EXPORTED [--delay 0.02]

The photos go into the S3 stub first; results go to a folder of this machine, so that what is compared is the reading.
It prints the line that ``make bench`` reads of other commands, and the processor time that the stub itself took.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench.s3_stub import REPORT

SENDERS = 4
SET = "photos"
LIMIT = 4 * 2**30
"""Bytes that the stub may hold."""


def main(words: list[str] | None = None) -> int:
    """Run the job once; print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.late_s3", description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("output", type=Path, help="folder for the results")
    parser.add_argument("--model", required=True, help="an exported backbone")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer (default: %(default)s)")
    given = parser.parse_args(words)
    with late_s3(given.delay) as endpoint:
        send(given.photos, endpoint)
        before = report(endpoint)["processor_seconds"]
        command = [sys.executable, "-m", "job", "--images", f"s3://data/{SET}", "--model", given.model]
        subprocess.run([*command, "--output", str(given.output)], env=pointing_at(endpoint), check=True)
        processor = report(endpoint)["processor_seconds"] - before
    manifest = json.loads((given.output / "manifest.json").read_text())
    images = manifest["counts"]["used"]
    seconds = manifest["seconds"]["features"]
    said = {"images": images, "img_per_s": images / seconds, "list_s": manifest["seconds"]["list"]}
    print(json.dumps({**said, "stub_processor_s": round(processor, 2)}))
    return 0


@contextmanager
def late_s3(delay: float) -> Iterator[str]:
    """Run the stub; yield its address."""
    command = [sys.executable, "-m", "bench.s3_stub", "--delay", str(delay), "--limit", str(LIMIT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stub:
        try:
            printed = stub.stdout.readline() if stub.stdout else ""
            yield f"http://127.0.0.1:{int(printed)}"
        finally:
            stub.terminate()


def send(photos: Path, endpoint: str) -> None:
    """Put every photo of a folder into the stub, under its path in the folder."""
    files = sorted(file for file in photos.rglob("*") if file.is_file())
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda share: _send(photos, files[share::SENDERS], endpoint), range(SENDERS)))


def report(endpoint: str) -> Mapping[str, float]:
    """Return what the stub has cost so far."""
    with urllib.request.urlopen(f"{endpoint}{REPORT}") as answer:  # noqa: S310 - our own stub
        found: Mapping[str, float] = json.load(answer)
    return found


def pointing_at(endpoint: str) -> dict[str, str]:
    """Return an environment in which every call to S3 goes to the stub."""
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "eu-west-1"}
    return {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"}


def _send(photos: Path, files: list[Path], endpoint: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    for file in files:
        connection.request("PUT", quote(f"/data/{SET}/{file.relative_to(photos)}"), file.read_bytes())
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"The stub answered {answer.status} to {file}")
    connection.close()


if __name__ == "__main__":
    sys.exit(main())
