"""Measures the job, its limits and other commands in interleaved rounds, and writes medians: ``make bench``.

bench/README.md explains what is measured, and how to add other commands.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.prepared import large_photos, shards_of
from bench.watched import CommandFailedError, Watched, run
from job.features.network import FLOAT32, INT8
from job.features.network.export import ExportRequest, cached_export
from job.features.network.quantize import draw, quantized_network
from job.images import EXACT, SCALED, TRAIN, listing
from job.storage import cache_folder

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- end of what make bench writes -->"
OURS = (FLOAT32, INT8)
LIMITS = ("loop", "inference")
SHARDS = "late-shards"
LARGE, LARGE_SCALED = "large", "large-scaled"
PREPARED = (SHARDS, LARGE, LARGE_SCALED)
"""The job on other photos than those given: the same in shards, read from a late S3, and large ones."""


@dataclass(frozen=True)
class Round:
    """One measurement of one contender; None for the seconds of stages that it does not have.

    Parameters
    ----------
    photos
        Number of photos computed.
    features
        Seconds from the first task to the last feature written.
    components
        Seconds to standardize, fit and project.
    whole
        Seconds of the whole command.
    memory
        Largest resident memory of one process, in bytes, by the process's name.
    requests
        GET and HEAD requests to S3; None if the photos are files.
    """

    photos: int
    features: float
    components: float | None
    whole: float
    memory: Mapping[str, int]
    requests: int | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; write bench/results/*.json and the table of docs/performance.md."""
    given = parser().parse_args(argv)
    others = dict(other.split("=", 1) for other in given.other)
    known = [*LIMITS, *OURS, *PREPARED, *others]
    names = given.only.split(",") if given.only else known
    unknown = sorted({*names} - {*known})
    if unknown or given.rounds < 1:
        print(f"error: nothing is called {', '.join(unknown)}." if unknown else "error: --rounds must be 1 or more.")
        print(f"Choose among {', '.join(known)}; --other NAME='COMMAND' adds one.")
        return 2
    models = {FLOAT32: cached_export(ExportRequest("mobilenet_v2", given.weights, 0))}
    measured: dict[str, list[Round]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="orchard-bench-") as scratch:
        photos = copies(Path(given.photos), given.copies, Path(scratch)) if given.copies else Path(given.photos)
        if INT8 in names:
            # Before the rounds: like a run whose network was quantized before.
            folder = str(photos.resolve())
            drawn = draw(listing.list_photos(folder, TRAIN), folder, 0)
            models[INT8] = quantized_network(models[FLOAT32], drawn, EXACT, print)
        places = prepare(names, photos, Path(scratch))
        for number in range(given.rounds):
            for name in names:
                output = Path(scratch) / f"{name}-{number}"
                try:
                    measured[name].append(measure(name, others, photos, output, given.weights, models, places))
                except CommandFailedError as error:
                    print(f"error: {error}")
                    return 1
                last = measured[name][-1]
                print(f"round {number + 1}, {name}: {last.photos / last.features:.0f} photos a second", flush=True)
    found = {
        "machine": machine(),
        "photos": Path(given.photos).resolve().name,
        "rounds": given.rounds,
        "contenders": summary(measured),
    }
    (HERE / "results").mkdir(exist_ok=True)
    file = HERE / "results" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    file.write_text(json.dumps(found, indent=2) + "\n")
    table = describe(found)
    print(f"{table}\nWritten: {file}")
    if given.page:
        PAGE.write_text(with_table(PAGE.read_text(), table))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    made.add_argument("--photos", required=True, help="folder of photos")
    made.add_argument("--weights", default="random", help="weights file, or random (default: %(default)s)")
    made.add_argument("--rounds", type=int, default=3, help="number of interleaved rounds (default: %(default)s)")
    made.add_argument(
        "--only", metavar="A,B", help=f"only these of {', '.join([*LIMITS, *OURS, *PREPARED])} and the others"
    )
    made.add_argument("--copies", type=int, metavar="N", help="on N photos: numbered copies of those given")
    made.add_argument("--other", metavar="NAME=COMMAND", action="append", default=[], help="see bench/README.md")
    made.add_argument("--page", action="store_true", help="write the table into docs/performance.md")
    return made


def prepare(names: Sequence[str], photos: Path, scratch: Path) -> dict[str, Path]:
    """Make the photos of ``PREPARED``; return their folders by name. Large ones are kept for the next time."""
    places = {}
    if SHARDS in names:
        places[SHARDS] = shards_of(photos, scratch / "shards")
    if {LARGE, LARGE_SCALED} & {*names}:
        folder = cache_folder(os.environ).with_name("bench") / "large"
        places[LARGE] = places[LARGE_SCALED] = large_photos(photos, folder)
    return places


def measure(
    name: str,
    others: Mapping[str, str],
    photos: Path,
    output: Path,
    weights: str,
    models: Mapping[str, Path],
    prepared: Mapping[str, Path],
) -> Round:
    """Run one contender once."""
    if name in LIMITS:
        limit = [sys.executable, "-m", "bench.limits", name, "--photos", str(photos), "--model", str(models[FLOAT32])]
        return of_printed(run(limit))
    if name in OURS:
        return of_manifest(run(job_command(photos, output, models[name], name)), output)
    if name == SHARDS:
        late = ["bench.late_s3", str(prepared[name]), str(output), "--model", str(models[FLOAT32])]
        watched = run([sys.executable, "-m", *late])
        said = json.loads(watched.output.strip().splitlines()[-1])
        return replace(of_manifest(watched, output), requests=said.get("GET", 0) + said.get("HEAD", 0))
    if name in prepared:
        decode = [] if name == LARGE else ["--decode", SCALED]
        return of_manifest(run([*job_command(prepared[name], output, models[FLOAT32], FLOAT32), *decode]), output)
    places = {"photos": str(photos), "output": str(output), "weights": weights}
    return of_printed(run([word.format_map(places) for word in shlex.split(others[name])]))


def job_command(photos: Path, output: Path, model: Path, precision: str) -> list[str]:
    """Return the job's command line."""
    return [
        *(sys.executable, "-m", "job", "--images", str(photos), "--model", str(model), "--output", str(output)),
        *("--precision", precision, "--components", "50"),
    ]


def of_manifest(watched: Watched, output: Path) -> Round:
    """Return the measurement in the manifest of a run's results."""
    manifest = json.loads((output / "manifest.json").read_text())
    seconds = manifest["seconds"]
    components = seconds["fit"] + seconds["projection"]
    return Round(manifest["counts"]["used"], seconds["features"], components, watched.seconds, watched.memory)


def of_printed(watched: Watched) -> Round:
    """Return the measurement in the last line that another command printed: images, img_per_s, perhaps scale_pca_s."""
    said = json.loads(watched.output.strip().splitlines()[-1])
    components = said.get("scale_pca_s")
    return Round(said["images"], said["images"] / said["img_per_s"], components, watched.seconds, watched.memory)


def summary(measured: Mapping[str, Sequence[Round]]) -> dict[str, dict[str, Any]]:
    """Return the medians of each contender, and every round behind them."""
    return {
        name: {
            "photos": rounds[0].photos,
            "photos_a_second": statistics.median(of.photos / of.features for of in rounds),
            "components_s": _median([of.components for of in rounds]),
            "whole_s": statistics.median(of.whole for of in rounds),
            "memory": {process: max(of.memory.get(process, 0) for of in rounds) for process in rounds[0].memory},
            "rounds": [vars(of) for of in rounds],
        }
        for name, rounds in measured.items()
    }


def describe(found: Mapping[str, Any]) -> str:
    """Return the medians as a table in Markdown."""
    contenders = found["contenders"]
    small = [entry for name, entry in contenders.items() if name not in (LARGE, LARGE_SCALED)]
    fastest = max((entry["photos_a_second"] for entry in small), default=0.0)
    photos = max(entry["photos"] for entry in contenders.values())
    lines = [
        f"{photos:,} photos, {found['rounds']} interleaved rounds, medians; {found['machine']}.",
        "",
        "| | photos a second | of the fastest | standardize, PCA, write, s | whole command, s | largest process, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in contenders.items():
        speed, components = entry["photos_a_second"], entry["components_s"]
        memory = max(entry["memory"].values(), default=0) / 1e6
        shown, relative = f"{speed:.{0 if speed >= 100 else 1}f}", f"{speed / fastest:.2f}" if entry in small else ""
        pca = "" if components is None else f"{components:.1f}"
        lines.append(f"| {name} | {shown} | {relative} | {pca} | {entry['whole_s']:.1f} | {memory:.0f} |")
    return "\n".join(lines)


def with_table(page: str, table: str) -> str:
    """Return the page with its table replaced, or with the table added at its end."""
    if BEGIN not in page:
        return f"{page.rstrip()}\n\n{BEGIN}\n{table}\n{END}\n"
    before, after = page.split(BEGIN, 1)[0], page.split(END, 1)[1]
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def copies(photos: Path, count: int, scratch: Path) -> Path:
    """Return a folder with this many numbered copies of the given photos."""
    folder = scratch / f"photos-{count}"
    given = sorted(photos.rglob("*.jpg"))
    for number in range(count):
        source = given[number % len(given)]
        label = folder / source.parent.name
        label.mkdir(parents=True, exist_ok=True)
        (label / f"{number:07d}.jpg").write_bytes(source.read_bytes())
    return folder


def machine() -> str:
    """Return cores, processor and Python of this machine."""
    cpuinfo = Path("/proc/cpuinfo")
    models = [
        line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
    ]
    return f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}, Python {platform.python_version()}"


def _median(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None


if __name__ == "__main__":
    raise SystemExit(main())
