"""``orchard local``: the cloud on this machine, with the Java and the Python of this project."""

import argparse

import localcloud
from infra.commands import Command
from infra.context import Context
from infra.versions import CLUSTER_PYTHON
from job.spark.java import find_java_home


def execute(given: argparse.Namespace, context: Context) -> int:
    """Forward to the local cloud."""
    argv = [given.action, "--port", str(given.port), "--region", context.aws.region]
    if given.folder is not None:
        argv += ["--folder", str(given.folder)]
    return localcloud.main(argv, program="orchard local", runtime=runtime)


def runtime() -> localcloud.Runtime:
    """Return what the steps of the local cloud run on."""
    return localcloud.Runtime(
        java_home=str(find_java_home() or ""),
        spark_home=localcloud.find_runtime().spark_home,
        node_python=CLUSTER_PYTHON,
    )


COMMAND = Command(
    name="local",
    summary="the cloud on this machine: up, down, status, env",
    example="orchard local up",
    add_arguments=localcloud.add_arguments,
    execute=execute,
)
