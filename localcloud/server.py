"""The process of a local cloud: says when it listens, ends when it is told to, and leaves nothing behind."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from localcloud import state
from localcloud.cloud import LocalCloud
from localcloud.errors import LocalCloudError
from localcloud.host import Host

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
    host = Host(given.java_home, given.cluster_python)
    try:
        with state.stand(given.folder) as announce:
            cloud = LocalCloud(given.port, state.work_folder(given.folder), host)
            _listen(cloud, given.port)
            try:
                announce(state.Standing(cloud.endpoint, os.getpid(), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
                sys.stdout.write(f"{READY} {cloud.endpoint}\n")
                sys.stdout.flush()
                os.read(told_to_end, 1)
            finally:
                cloud.stop()
    except LocalCloudError as error:
        # In one line: whoever started this process tells its last one.
        sys.stderr.write(f"{error.message} {error.hint}\n")
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
    parser.add_argument("--java-home", default="", help="of the Java that steps run on")
    parser.add_argument("--cluster-python", default="", help="path of Python on a node, which is this one here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
