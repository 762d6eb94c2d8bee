"""``orchard evaluator``: how the evaluator gets in, and a new key."""

import argparse

from infra import invocation
from infra.aws import cdk, stacks
from infra.commands import Command
from infra.context import Context
from infra.errors import (
    DeploymentFailedError,
    StackNotReadyError,
)
from job.errors import OrchardError

SERIAL = "evaluator_key_serial"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rotate", action="store_true", help="make a new key; the old one stops working")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Say how the evaluator gets in; with ``--rotate``, make a new key first."""
    found = stacks.outputs_if_there(context.aws, stacks.ACCESS)
    if found is not None and "EvaluatorSecret" not in found:
        raise StackNotReadyError(
            "There is no evaluator: the setting evaluator is off.",
            f"Switch it on: {invocation.cdk('deploy OrchardAccess -c evaluator=true')}",
        )
    if given.rotate:
        rotate(context)
    found = stacks.outputs(context.aws, stacks.ACCESS)
    context.say(f"The evaluator is the IAM user {found['EvaluatorUser']}: reads both buckets, changes nothing.")
    context.say("The key lies in Secrets Manager. Whoever may read it hands it over with:")
    read = f"secretsmanager get-secret-value --secret-id {found['EvaluatorSecret']} --query SecretString --output text"
    context.say(f"  {context.aws.typed(read)}")
    context.say("The evaluator then types:")
    context.say("  aws configure --profile evaluator")
    context.say(f"  aws s3 ls --profile evaluator s3://{stacks.data_bucket(context.aws)}/results/")
    return 0


def rotate(context: Context) -> None:
    """Raise the key's serial in cdk.json and deploy, so that AWS makes a new key and deletes the old one."""
    serial = cdk.setting(SERIAL) + 1
    cdk.change_setting(SERIAL, serial)
    context.say(f"cdk.json now says {SERIAL} {serial}.")
    try:
        code = context.call(cdk.deploy_command(stacks.ACCESS, context.aws))
    except OrchardError:
        # Not on Ctrl-C: CloudFormation goes on without us, and another serial then would make yet another key.
        cdk.change_setting(SERIAL, serial - 1)
        raise
    if code != 0:
        cdk.change_setting(SERIAL, serial - 1)
        raise DeploymentFailedError(
            f"{stacks.ACCESS} could not be deployed; the CDK's own message is above. The old key still works.",
            f"Fix the cause, then rerun: {invocation.orchard('evaluator --rotate')}",
        )


COMMAND = Command(
    name="evaluator",
    summary="how the evaluator gets in; with --rotate, a new key",
    example="orchard evaluator --rotate",
    add_arguments=_add_arguments,
    execute=execute,
)
