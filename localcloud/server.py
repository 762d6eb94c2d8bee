"""The process of a local cloud: says when it listens, ends when it is told to, and leaves nothing behind."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.errors import LocalCloudError, OrchardError
from job.results.layout import utc_now
from localcloud import state
from localcloud.cloud import LocalCloud

READY = "The local cloud listens on"
"""How the line begins that is printed once requests are answered; the address follows."""


def main(words: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; return the exit code."""
    given = _parser().parse_args(words)
    # Python runs a handler only once the main thread goes on, which may be waiting already: the signal itself writes.
    told_to_end, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        with state.stand(given.folder) as announce:
            cloud = LocalCloud(given.port, state.work_folder(given.folder))
            _listen(cloud, given.port)
            try:
                announce(state.Standing(cloud.endpoint, os.getpid(), utc_now()))
                sys.stdout.write(f"{READY} {cloud.endpoint}\n")
                sys.stdout.flush()
                os.read(told_to_end, 1)
            finally:
                cloud.stop()
    except OrchardError as error:
        # In one line: whoever started this process tells its last one.
        sys.stderr.write(f"{error.what} {error.remedy}\n")
        return error.exit_code
    return 0


def _listen(cloud: LocalCloud, port: int) -> None:
    """Start a cloud; raise LocalCloudError where its port cannot be had."""
    try:
        cloud.start()
    except OSError as error:
        raise LocalCloudError(
            f"Port {port} of this machine cannot be listened on: {os.strerror(error.errno or 0)}.",
            "Choose another one: --port 0 takes any that is free.",
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen (default: any free port)")
    parser.add_argument("--folder", type=Path, required=True, help="where to write, and nowhere else")
    return parser


if __name__ == "__main__":
    sys.exit(main())
