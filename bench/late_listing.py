"""Measures how long a run takes to list many objects in an S3 with latency.

    python -m bench.late_listing [--objects 100000] [--folders 100] [--delay 0.02] [--rounds 3]

It prints the seconds of every round, the requests that a round made, and the processor time that the stub itself took.
"""

import argparse
import json
import os
import sys
import time

from bench.running_stub import environment, put, report, running

SENDERS = 64


def main(argv: list[str] | None = None) -> int:
    """List a few times; print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.late_listing", description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--folders", type=int, default=100, help="that they lie in (default: %(default)s)")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often they are listed (default: %(default)s)")
    given = parser.parse_args(argv)
    with running("--delay", str(given.delay)) as endpoint:
        keys = [f"data/photos/{number % given.folders:04d}/{number:07d}.jpg" for number in range(given.objects)]
        put(keys, lambda _: b"1", endpoint, SENDERS)
        os.environ.update(environment(endpoint))
        # Arrow's clients look at the environment when the first one is made.
        from job.images import listing  # noqa: PLC0415

        before, seconds = report(endpoint), []
        for _ in range(given.rounds):
            began = time.perf_counter()
            listed = len(listing.list_photos("s3://data/photos", listing.TRAIN))
            seconds.append(round(time.perf_counter() - began, 2))
            if listed != given.objects:
                raise RuntimeError(f"{listed} of {given.objects} objects were listed")
        after = report(endpoint)
    requests = (after["GET"] - before.get("GET", 0)) / given.rounds
    processor = (after["processor_seconds"] - before["processor_seconds"]) / given.rounds
    print(json.dumps({"seconds": seconds, "requests": requests, "stub_processor_s": round(processor, 2)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
