"""``orchard local``: the local cloud, with this project's Java, Spark and Python."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import localcloud
from infra import errors
from infra.commands import Command
from infra.context import Context
from infra.versions import CLUSTER_PYTHON
from job.spark.java import find_java_home

_ERRORS = (errors.LocalCloudStateError, errors.StartedElsewhereError, errors.LocalCloudError)


def execute(given: argparse.Namespace, context: Context) -> int:
    """Forward to the local cloud."""
    argv = [given.action, "--port", str(given.port), "--region", context.aws.region]
    argv += ["--state", str(given.folder)] if given.folder is not None else []
    argv += ["--yes"] if given.yes else []
    with as_orchard_errors():
        localcloud.execute(argv, program="orchard local", runtime=runtime)
    return 0


@contextmanager
def as_orchard_errors() -> Iterator[None]:
    """Raise an error of the local cloud as the command's error with the same code."""
    try:
        yield
    except localcloud.LocalCloudError as error:
        kind = next(kind for kind in _ERRORS if kind.code == error.code)
        raise kind(error.message, error.hint) from error


def runtime() -> localcloud.Runtime:
    """Return what the steps of the local cloud run on."""
    return localcloud.Runtime(
        java_home=str(find_java_home() or ""),
        spark_home=localcloud.find_runtime().spark_home,
        node_python=CLUSTER_PYTHON,
    )


COMMAND = Command(
    name="local",
    summary="run a local AWS without an account: up, down, status, env",
    details='Use it in a shell: eval "$(orchard local env)"',
    example="orchard local up",
    add_arguments=localcloud.add_arguments,
    execute=execute,
)
