"""``orchard evaluator``: how the evaluator gets in, and a new key."""

import argparse

from infra.aws import cdk, stacks
from infra.commands.command import Command
from infra.context import Surroundings
from infra.errors import DeploymentFailedError, OrchardError, StackNotReadyError

SERIAL = "evaluator_key_serial"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard evaluator``."""
    parser.add_argument("--rotate", action="store_true", help="make a new key; the old one stops working")


def execute(given: argparse.Namespace, around: Surroundings) -> int:
    """Say how the evaluator gets in; with ``--rotate``, make a new key first.

    Raises
    ------
    StackNotReadyError
        If the evaluator is switched off.
    """
    found = stacks.outputs_if_there(around.aws, stacks.ACCESS)
    if found is not None and "EvaluatorSecret" not in found:
        raise StackNotReadyError(
            "There is no evaluator: the setting evaluator is off.",
            "Switch it on: cdk deploy OrchardAccess -c evaluator=true",
        )
    if given.rotate:
        rotate(around)
    found = stacks.outputs(around.aws, stacks.ACCESS)
    around.say(f"The evaluator is the IAM user {found['EvaluatorUser']}: reads both buckets, changes nothing.")
    around.say("The key lies in Secrets Manager. Whoever may read it hands it over with:")
    read = f"secretsmanager get-secret-value --secret-id {found['EvaluatorSecret']} --query SecretString --output text"
    around.say(f"  {around.aws.typed(read)}")
    around.say("The evaluator then types:")
    around.say("  aws configure --profile evaluator")
    around.say(f"  aws s3 ls --profile evaluator s3://{stacks.data_bucket(around.aws)}/results/")
    return 0


def rotate(around: Surroundings) -> None:
    """Raise the key's serial in cdk.json and deploy, so that AWS makes a new key and deletes the old one."""
    serial = cdk.setting(SERIAL) + 1
    cdk.change_setting(SERIAL, serial)
    around.say(f"cdk.json now says {SERIAL} {serial}.")
    try:
        code = around.call(cdk.deploy_command(stacks.ACCESS, around.aws))
    except OrchardError:
        # Not on Ctrl-C: CloudFormation goes on without us, and another serial then would make yet another key.
        cdk.change_setting(SERIAL, serial - 1)
        raise
    if code != 0:
        cdk.change_setting(SERIAL, serial - 1)
        raise DeploymentFailedError(
            f"{stacks.ACCESS} could not be deployed; the CDK's own message is above. The old key still works.",
            "Mend it: orchard evaluator --rotate",
        )


COMMAND = Command(
    name="evaluator",
    summary="how the evaluator gets in; with --rotate, a new key",
    example="orchard evaluator --rotate",
    add_arguments=add_arguments,
    execute=execute,
)
