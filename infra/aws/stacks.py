"""Read the state of the deployed stacks, and the outputs that name their buckets and their cluster."""

from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra import invocation
from infra.aws.client import Aws, explained
from infra.errors import StackNotReadyError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

DATA, ACCESS, CLUSTER, BUDGET = "OrchardData", "OrchardAccess", "OrchardCluster", "OrchardBudget"
"""Names of the stacks."""

TOOLKIT = "CDKToolkit"
"""Name of the stack that ``cdk bootstrap`` creates."""

BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
"""SSM parameter of every bootstrap stack with the CDK's default qualifier, which this project uses."""

CHANGE_SET = "cdk-deploy-change-set"
"""Name that the CDK gives to its change sets."""

_BEGUN = "DELETE_IN_PROGRESS"


def outputs(aws: Aws, stack: str) -> Mapping[str, str]:
    """Return the outputs of a stack by name."""
    found = describe(aws, stack)
    if found is None:
        raise StackNotReadyError(
            f"The stack {stack} must be deployed in {aws.region}, found none.",
            f"Deploy it: {_first_deployment(stack)}; or add --region with the region it is in.",
        )
    status = found["StackStatus"]
    named = _named(found)
    if not named:
        raise StackNotReadyError(
            f"The stack {stack} must be deployed completely, but is in state {status}.",
            f"If no deployment is running, deploy it again: {deploy_command(stack)}",
        )
    return named


def outputs_if_there(aws: Aws, stack: str) -> Mapping[str, str] | None:
    """Return the outputs of a stack by name, None where there is no such stack."""
    found = describe(aws, stack)
    return None if found is None else _named(found)


def deployed_cluster(aws: Aws) -> str | None:
    """Return the id of the deployed cluster, alive or not; None without one, as after a failed first deployment."""
    return (outputs_if_there(aws, CLUSTER) or {}).get("ClusterId")


def status(aws: Aws, stack: str) -> str | None:
    """Return CloudFormation's state of a stack, None where there is no such stack."""
    found = describe(aws, stack)
    return None if found is None else found["StackStatus"]


def deletion_failures(aws: Aws, stack: str) -> list[str]:
    """Return the resources that CloudFormation could not delete in its last attempt, with its reasons."""
    with explained(f"read the events of the stack {stack}"):
        # The newest come first.
        events = aws.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    of_this_time = takewhile(lambda event: not (_of_stack(event) and event["ResourceStatus"] == _BEGUN), events)
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in of_this_time
        if event["ResourceStatus"] == "DELETE_FAILED" and not _of_stack(event)
    ]


def replaces(aws: Aws, stack: str, resource_type: str) -> bool:
    """Return whether the deployment that the CDK has prepared would replace a resource of a type, or may do so."""
    with explained(f"read the changes of the stack {stack}"):
        pages = aws.cloudformation.get_paginator("describe_change_set").paginate(
            StackName=stack, ChangeSetName=CHANGE_SET
        )
        changes = [change["ResourceChange"] for page in pages for change in page["Changes"]]
    return any(
        change["ResourceType"] == resource_type and change.get("Replacement") in ("True", "Conditional")
        for change in changes
    )


def data_bucket(aws: Aws) -> str:
    """Return the name of the bucket of images, code, models and results."""
    return _output(aws, DATA, "DataBucket")


def logs_bucket(aws: Aws) -> str:
    """Return the name of the bucket of logs."""
    return _output(aws, DATA, "LogsBucket")


def cluster_id(aws: Aws) -> str:
    """Return the id of the deployed cluster, alive or not; raise StackNotReadyError without one."""
    return _output(aws, CLUSTER, "ClusterId")


def deploy_command(stack: str) -> str:
    """Return the command that deploys a stack."""
    return invocation.orchard("up") if stack == CLUSTER else invocation.cdk(f"deploy {stack}")


def _first_deployment(stack: str) -> str:
    """Return how to deploy a stack where nothing may have been deployed before."""
    # `orchard up` finds a missing bootstrap stack itself; the CDK names no account and region to bootstrap.
    first = "" if stack == CLUSTER else f" (before the first deployment in a region: {invocation.cdk('bootstrap')})"
    return deploy_command(stack) + first


def _of_stack(event: "StackEventTypeDef") -> bool:
    return event.get("PhysicalResourceId") == event["StackId"]


def _output(aws: Aws, stack: str, name: str) -> str:
    named = outputs(aws, stack)
    if name not in named:
        raise StackNotReadyError(
            f"The stack {stack} has no output {name}, because another version of this project deployed it.",
            f"Deploy it again: {deploy_command(stack)}",
        )
    return named[name]


def describe(aws: Aws, stack: str) -> "StackTypeDef | None":
    """Return a stack as CloudFormation describes it, None if there is no such stack."""
    with explained(f"read the stack {stack}"):
        try:
            return aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in error.response.get("Error", {}).get("Message", ""):
                return None
            raise


def _named(described: "StackTypeDef") -> Mapping[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
