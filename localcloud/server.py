"""The process of a local cloud: announces that it listens, ends on a signal, and leaves nothing behind."""

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
from localcloud.runtime import Runtime

READY = "The local cloud listens on"
"""Start of the line printed once requests are answered; the address follows."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal arrives; return the exit code."""
    given = _parser().parse_args(argv)
    # A Python handler runs only when the main thread continues, and that waits in `read`: the signal writes instead.
    wake, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    runtime = Runtime(given.java_home, given.spark_home, given.node_python)
    try:
        with state.hold(given.folder) as announce:
            cloud = LocalCloud(given.port, state.work_folder(given.folder), runtime)
            cloud.start()
            try:
                since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                announce(state.LocalCloudState(cloud.endpoint, os.getpid(), since, given.started_in, given.session))
                sys.stdout.write(f"{READY} {cloud.endpoint}\n")
                sys.stdout.flush()
                os.read(wake, 1)
            finally:
                cloud.stop()
    except LocalCloudError as error:
        # On one line: `state.start` reports the last one.
        sys.stderr.write(f"{error.message} {error.hint}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free port is taken if it is in use (default: any)")
    parser.add_argument("--folder", type=Path, required=True, help="where to write, and nowhere else")
    parser.add_argument("--java-home", default="", help="of the Java that steps run on")
    parser.add_argument("--spark-home", default="", help="of the Spark that steps run on")
    parser.add_argument("--node-python", default="", help="path of Python on a node, replaced by this one")
    own_folder, own_session = state.here()
    parser.add_argument("--started-in", default=own_folder, help="working folder of the command that starts it")
    parser.add_argument("--session", type=int, default=own_session, help="POSIX session of that command")
    return parser


if __name__ == "__main__":
    sys.exit(main())
