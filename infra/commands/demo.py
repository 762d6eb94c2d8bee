"""``orchard demo``: every command on a local cloud, from photos to results, then delete everything."""

import argparse
import os
from pathlib import Path

from infra.aws.cdk import with_programs
from infra.commands import Command
from infra.commands.demonstration import Demonstration, choose_backbone
from infra.commands.local import as_orchard_errors, runtime
from infra.context import Context
from infra.errors import LocalCloudStateError
from localcloud import environment, state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard demo``."""
    parser.add_argument("--keep", action="store_true", help="keep the local cloud, with everything in it")
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="folder for its files (default: %(default)s)")
    parser.add_argument("--weights", help="a file of MobileNetV2 weights (default: ImageNet's of EfficientNet-Lite0)")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Run the demonstration on a local cloud, and end the cloud afterwards, also after a failure.

    Raises
    ------
    LocalCloudStateError
        If a local cloud is already running: the user may need what is in it.
    OrchardError
        If a stage fails.
    """
    folder = state.default_folder(os.environ)
    running = state.find(folder)
    if running is not None:
        raise LocalCloudStateError(
            f"A local cloud is already running, started in {running.started_in}.",
            "End it and delete everything in it: orchard local down",
        )
    began = context.clock()
    demonstration = Demonstration(context, given.folder.resolve(), context.aws.region)
    backbone = choose_backbone(given.weights, context.say)
    demonstration.prepare()
    try:
        with demonstration.stage("A local AWS starts"):
            with as_orchard_errors():
                cloud = state.start(folder, state.USUAL_PORT, runtime(), context.sleep)
            variables = with_programs(environment.applied(os.environ, cloud.endpoint, context.aws.region))
            context.say(f"  {cloud.endpoint}, process {cloud.process}, no account, nothing outside 127.0.0.1")
        demonstration.show(cloud.endpoint, backbone, variables)
        if given.keep:
            context.say("")
            context.say(f"The local cloud is still running at {cloud.endpoint}. End it: orchard local down")
            context.say('Use it in this shell: eval "$(orchard local env)"')
        else:
            demonstration.take_down(variables)
    finally:
        if not given.keep:
            state.stop(folder, context.sleep)
    demonstration.say_where_to_look(context.clock() - began)
    return 0


COMMAND = Command(
    name="demo",
    summary="run everything on a local AWS, from photos to results",
    details="Takes a few minutes and needs no AWS account. Everything is deleted at the end, except for the results.",
    example="orchard demo --keep",
    add_arguments=add_arguments,
    execute=execute,
)
