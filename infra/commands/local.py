"""``orchard local``: the cloud on this machine, which needs no AWS account: starts it, ends it, says where it is."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from infra import errors
from infra.commands import Command
from infra.commands.output.tables import in_columns
from infra.context import Context
from infra.runs.clusters import ENDED
from infra.versions import CLUSTER_PYTHON
from job.spark.java import find_java_home
from localcloud import environment, state
from localcloud.errors import LocalCloudError, LocalCloudStateError, NoPortError
from localcloud.host import Host


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard local``."""
    parser.add_argument(
        "what",
        choices=sorted(_ACTIONS),
        help="up: start it; down: end it, with all that is in it; status: what is in it; env: variables for a shell",
    )
    parser.add_argument(
        "--port", type=int, default=state.USUAL_PORT, help="another is taken if it is in use (default: %(default)s)"
    )


def execute(given: argparse.Namespace, context: Context) -> int:
    """Do what was asked for."""
    with orchard_errors():
        return _ACTIONS[given.message](given, context)


@contextmanager
def orchard_errors() -> Iterator[None]:
    """Raise a failure of the local cloud as one of the command's, with its code."""
    try:
        yield
    except LocalCloudStateError as error:
        raise errors.LocalCloudStateError(error.message, error.hint) from error
    except NoPortError as error:
        raise errors.NoPortError(error.message, error.hint) from error
    except LocalCloudError as error:
        raise errors.LocalCloudError(error.message, error.hint) from error


def host() -> Host:
    """Return what the nodes of the local cloud take from this machine."""
    return Host(str(find_java_home() or ""), CLUSTER_PYTHON)


def up(given: argparse.Namespace, context: Context) -> int:
    """Start the cloud, where none stands."""
    folder = state.home(os.environ)
    found = state.find(folder)
    if found is not None:
        context.say(f"The local cloud stands at {found.endpoint} already.")
    else:
        found = state.start(folder, given.port, context.sleep, host())
        context.say(f"The local cloud stands at {found.endpoint}.")
    context.say('Use it in this shell: eval "$(orchard local env)"')
    return 0


def down(given: argparse.Namespace, context: Context) -> int:
    """End the cloud, with everything in it."""
    del given
    stopped = state.stop(state.home(os.environ), context.sleep)
    if stopped is None:
        context.say("No local cloud stood on this machine.")
    else:
        context.say(f"The local cloud at {stopped.endpoint} has ended, and everything in it is gone.")
    return 0


def status(given: argparse.Namespace, context: Context) -> int:
    """Say where the cloud is, and what is in it."""
    del given
    found = state.require(state.home(os.environ))
    context.say(f"The local cloud stands at {found.endpoint} since {found.since}, process {found.process}.")
    rows = contents(environment.client_maker(found.endpoint, context.aws.region))
    for line in in_columns(rows, text_columns=3) if rows else ["It is empty."]:
        context.say(line)
    return 0


def contents(client: Callable[[str], Any]) -> list[tuple[str, str, str]]:
    """Return kind, name and state of each stack and each living cluster.

    Parameters
    ----------
    client
        Returns a client of a service.
    """
    stacks = client("cloudformation").describe_stacks()["Stacks"]
    clusters = [each for each in client("emr").list_clusters()["Clusters"] if each["Status"]["State"] not in ENDED]
    return [
        *(("stack", stack["StackName"], stack["StackStatus"]) for stack in stacks),
        *(("cluster", each["Id"], each["Status"]["State"]) for each in clusters),
    ]


def env(given: argparse.Namespace, context: Context) -> int:
    """Print what a shell has to set."""
    del given
    found = state.require(state.home(os.environ))
    for line in environment.exports(found.endpoint, context.aws.region):
        context.say(line)
    return 0


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, Context], int]] = {
    "up": up,
    "down": down,
    "status": status,
    "env": env,
}

COMMAND = Command(
    name="local",
    summary="the cloud on this machine: up, down, status, env",
    example="orchard local up",
    add_arguments=add_arguments,
    execute=execute,
)
