"""Measures ``orchard upload`` and ``aws s3 cp --recursive`` with many small files sent to the S3 stub.

    python -m bench.upload                  # 20,000 files of 5 KB, three pairs: some minutes
    python -m bench.upload --files 5000 --pairs 1

In each pair both commands send the same files, one after the other, each to its own stub. Between them a bare loop
over sockets, which reads no files and signs nothing, measures the limit of the stub itself. Needs ``aws`` on the PATH,
or named by --aws (``python -m venv FOLDER && FOLDER/bin/pip install awscli`` makes one).
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.running_stub import environment, report, running

LABELS = 20
CONNECTIONS_OF_BARE_LOOP = 8


@dataclass(frozen=True)
class Measured:
    """One command's upload.

    Parameters
    ----------
    rate
        Files a second, the command's start included.
    processor
        Processor time of the command, in seconds.
    stub_processor
        Processor time of the stub, in seconds.
    memory
        Peak memory of the command, in bytes.
    """

    rate: float
    processor: float
    stub_processor: float
    memory: int


def main(argv: list[str] | None = None) -> int:
    """Measure and print; return 1 if the required ratio is not reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.upload", description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000, help="how many (default: %(default)s)")
    parser.add_argument("--size", type=int, default=5_000, help="bytes of each (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="how often both are measured (default: %(default)s)")
    parser.add_argument("--aws", default=shutil.which("aws"), help="the AWS CLI (default: the one on the PATH)")
    given = parser.parse_args(argv)
    if given.aws is None:
        parser.error("--aws must name the AWS CLI: none is on the PATH")
    print(subprocess.run([given.aws, "--version"], capture_output=True, text=True, check=True).stdout.strip())
    with tempfile.TemporaryDirectory() as temporary:
        many, few = Path(temporary, "many"), Path(temporary, "few")
        write_files(many, given.files, given.size)
        write_files(few, given.files // 4, given.size)
        theirs, ours, bare = [], [], []
        for pair in range(1, given.pairs + 1):
            theirs.append(measure(aws_command(given.aws, many), given.files))
            ours.append(measure(orchard_command(many), given.files))
            bare.append(bare_loop(given.files, given.size))
            show(f"pair {pair}: aws s3 cp", theirs[-1])
            show(f"pair {pair}: orchard upload", ours[-1])
            print(f"pair {pair}: bare loop        {bare[-1]:8,.0f} files/s: the stub's own limit")
        fewer = measure(orchard_command(few), given.files // 4)
    return summary(theirs, ours, bare, fewer, given.files)


def summary(
    theirs: Sequence[Measured], ours: Sequence[Measured], bare: Sequence[float], fewer: Measured, files: int
) -> int:
    """Print medians and whether the required ratio is reached; return the exit code."""
    their_rate, our_rate = (statistics.median(one.rate for one in many) for many in (theirs, ours))
    limit = statistics.median(bare)
    print(f"medians: aws s3 cp {their_rate:,.0f}, orchard upload {our_rate:,.0f}, bare loop {limit:,.0f} files/s")
    print(f"orchard upload is {our_rate / their_rate:.1f} times as fast, {our_rate / limit:.0%} of the stub's limit")
    memory = statistics.median(one.memory for one in ours)
    print(f"peak memory: {fewer.memory / 1e6:,.0f} MB with {files // 4:,} files, {memory / 1e6:,.0f} MB with {files:,}")
    return 0 if our_rate >= min(3 * their_rate, 0.9 * limit) else 1


def show(name: str, measured: Measured) -> None:
    """Print one measurement."""
    print(
        f"{name:24s} {measured.rate:8,.0f} files/s, processor {measured.processor:6.1f} s "
        f"(stub {measured.stub_processor:.1f} s), peak memory {measured.memory / 1e6:,.0f} MB"
    )


def write_files(folder: Path, files: int, size: int) -> None:
    """Write files of random bytes, in as many folders as there are labels."""
    for label in range(LABELS):
        (folder / f"label {label:02d}").mkdir(parents=True)
    for number in range(files):
        (folder / f"label {number % LABELS:02d}" / f"photo {number:06d}.jpg").write_bytes(os.urandom(size))


def aws_command(aws: str, folder: Path) -> list[str]:
    """Return the AWS CLI's command line, with its per-file output turned off."""
    return [aws, "s3", "cp", "--recursive", "--only-show-errors", str(folder), "s3://data/images/set/"]


def orchard_command(folder: Path) -> list[str]:
    """Return our command line."""
    return [sys.executable, "-m", "infra.cli", "upload", str(folder), "set", "--region", "eu-west-1"]


def measure(command: Sequence[str], files: int) -> Measured:
    """Run an upload against its own stub, and check that every file has arrived."""
    with running() as endpoint:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment(endpoint), stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        reported = report(endpoint)
    if process.returncode or reported["objects"] != files:
        raise SystemExit(
            f"{command[0]} ended with {process.returncode}; {reported['objects']} of {files} files arrived"
        )
    unit = 1 if sys.platform == "darwin" else 1024
    processor = used.ru_utime + used.ru_stime
    return Measured(files / took, processor, reported["processor_seconds"], used.ru_maxrss * unit)


def bare_loop(files: int, size: int) -> float:
    """Return how many files a second the stub accepts from a minimal client."""
    body = os.urandom(size)
    with running() as endpoint:
        address = urlsplit(endpoint)
        sockets = [socket.create_connection((address.hostname, address.port)) for _ in range(CONNECTIONS_OF_BARE_LOOP)]
        began = time.perf_counter()
        for start in range(0, files, len(sockets)):
            active = sockets[: files - start]
            for number, one in enumerate(active, start):
                one.sendall(b"PUT /data/bare/%d HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (number, size, body))
            for one in active:
                if not one.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise SystemExit("the stub refused a file of the bare loop")
        took = time.perf_counter() - began
        for one in sockets:
            one.close()
    return files / took


if __name__ == "__main__":
    sys.exit(main())
