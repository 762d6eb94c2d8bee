"""``orchard evaluator``: show how the read-only evaluator signs in, and rotate its key."""

import argparse

from infra import invocation
from infra.aws import cdk, stacks
from infra.commands import Command
from infra.context import Context
from infra.errors import DeploymentFailedError, StackNotReadyError
from job.errors import OrchardError

SERIAL = "evaluator_key_serial"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rotate", action="store_true", help="create a new key; the old one stops working")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print how the evaluator signs in; with ``--rotate``, create a new key first."""
    found = stacks.outputs_if_there(context.aws, stacks.ACCESS)
    if found is not None and "EvaluatorSecret" not in found:
        raise StackNotReadyError(
            "There is no evaluator, because the setting evaluator is false.",
            f"Create it: {invocation.cdk('deploy OrchardAccess -c evaluator=true')}",
        )
    if given.rotate:
        rotate(context)
    found = stacks.outputs(context.aws, stacks.ACCESS)
    context.say(
        f"The evaluator is the IAM user {found['EvaluatorUser']}, who may read both buckets and change nothing."
    )
    context.say("An administrator reads the key from Secrets Manager:")
    read = f"secretsmanager get-secret-value --secret-id {found['EvaluatorSecret']} --query SecretString --output text"
    context.say(f"  {context.aws.typed(read)}")
    context.say("The evaluator signs in and lists the results:")
    context.say("  aws configure --profile evaluator")
    context.say(f"  aws s3 ls --profile evaluator s3://{stacks.data_bucket(context.aws)}/results/")
    return 0


def rotate(context: Context) -> None:
    """Raise the key's serial in cdk.json and deploy, so that AWS creates a new key and deletes the old one."""
    serial = cdk.setting(SERIAL) + 1
    cdk.change_setting(SERIAL, serial)
    context.say(f"cdk.json now says {SERIAL} {serial}.")
    try:
        code = context.call(cdk.deploy_command(stacks.ACCESS, context.aws))
    except OrchardError:
        # Not on Ctrl-C: CloudFormation continues, and another serial would then create yet another key.
        cdk.change_setting(SERIAL, serial - 1)
        raise
    if code != 0:
        cdk.change_setting(SERIAL, serial - 1)
        raise DeploymentFailedError(
            f"{stacks.ACCESS} could not be deployed; the CDK's message is above. The old key still works.",
            f"Fix that cause, then rerun: {invocation.orchard('evaluator --rotate')}",
        )


COMMAND = Command(
    name="evaluator",
    summary="show how the read-only evaluator signs in",
    details="With --rotate, create a new access key first.",
    example="orchard evaluator --rotate",
    add_arguments=_add_arguments,
    execute=execute,
)
