"""Measures the upper limits of the job's speed: inference alone, and the bare loop, without Spark or results.

Each runs as many processes as cores, one thread each, with the job's own decoder and network; all processes start
together once each is ready, and the time of the last one counts.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from job.features.network import load, read_description
from job.images import Pixels
from job.images.decode import decode

DECODED_BEFORE = 200
"""Photos that inference alone repeats; decoded, they take 30 MB per process."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one limit; print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.limits", description=__doc__)
    parser.add_argument("limit", choices=("inference", "loop"))
    parser.add_argument("--photos", required=True, help="folder of photos")
    parser.add_argument("--model", required=True, help="an exported backbone")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args(argv)
    paths = sorted(str(path) for path in Path(given.photos).rglob("*.jpg"))
    seconds = time_processes(given.limit, paths, given.model, given.processes)
    print(json.dumps({"images": len(paths), "features_s": seconds, "img_per_s": len(paths) / seconds}))
    return 0


def time_processes(limit: str, paths: Sequence[str], model: str, processes: int) -> float:
    """Return the seconds from the common start until the last process has computed its share of the photos."""
    context = multiprocessing.get_context("spawn")
    ready, ended = context.Barrier(processes + 1), context.Barrier(processes + 1)
    started = [
        context.Process(target=_compute, args=(limit, paths[share::processes], model, ready, ended))
        for share in range(processes)
    ]
    for process in started:
        process.start()
    ready.wait()
    began = time.perf_counter()
    ended.wait()
    seconds = time.perf_counter() - began
    for process in started:
        process.join()
    return seconds


def _compute(limit: str, paths: Sequence[str], model: str, ready: Barrier, ended: Barrier) -> None:
    described, network = read_description(model), load(model)

    def pixels(path: str) -> Pixels:
        return decode(Path(path).read_bytes(), described.width, described.height)

    before = [pixels(path) for path in paths[:DECODED_BEFORE]]
    features = np.empty((network.batch, described.features), np.float32)
    network.compute_batch(before[: network.batch], features[: len(before)])
    ready.wait()
    for start in range(0, len(paths), network.batch):
        chosen = range(start, min(start + network.batch, len(paths)))
        photos = (
            [before[index % len(before)] for index in chosen]
            if limit == "inference"
            else [pixels(paths[index]) for index in chosen]
        )
        network.compute_batch(photos, features[: len(photos)])
    ended.wait()


if __name__ == "__main__":
    raise SystemExit(main())
